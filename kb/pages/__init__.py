"""The page's rooms, one file a tab, and what they share.

words           every fixed word on the page, Chinese and English
library         documents, passages and terms, before the encoder is loaded and after
links           addresses that open an answer again
cards           one turn of the conversation as HTML
packs           a trainer's questions: pasted, from a file (pack_files), and their report
chat            问答
reader          原文
glossary        名词
workshop        培训
evaluation      评测
results         the shipped figures in the page's words
access          who may see feedback and statistics
routes          small requests of the page: check a quote, expand a section, feedback, downloads
exports         feedback, statistics and reports as CSV
lost            addresses that lead nowhere
page            the rooms put together
"""
