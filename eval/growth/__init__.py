"""Growth: what more passages and more vectors cost, and what the approximate indexes lose.

Reading order: ``corpus`` folders of text -> short passages · ``vectors`` their vectors, and noisy
copies · ``measure`` sizes of corpus · ``many`` index types over many vectors · ``report`` tables.
"""
