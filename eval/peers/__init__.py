"""Other people's systems on the same questions: txtai, Haystack, LangChain with FAISS.

Each adapter is its project's documented pipeline for semantic search, with the same encoder folder
and the same passages as ours; ``worker`` runs one of them in a process of its own, in any
interpreter that has it installed, and ``race`` judges what they return by the answers' rule.
"""
