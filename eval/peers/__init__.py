"""Other people's systems on the same questions: txtai, Haystack, LangChain with FAISS.

Each adapter is its project's documented pipeline for semantic search, with the same encoder folder
and the same passages as ours; ``worker`` runs one of them in a process of its own, which
``launch`` starts in the interpreter that has it installed. ``race`` judges what they return by the
answers' rule; ``pace`` and ``pace_report`` tell how fast and large they are.
"""
