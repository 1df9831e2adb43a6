"""The benchmark: retrieval, answers, refusals, speed and peers, each with intervals.

Reading order: ``intervals`` (Wilson, bootstrap), ``evidence`` (is a fact inside a citation),
``questions`` (the question file), ``refusal`` (calibration and selective answering), ``answers``
(ask, judge, report), ``tables`` and ``plots`` (what is printed); ``beir`` (folders and faults),
``runs`` (TREC files and the tie rule), ``measures`` (ir_measures), ``retrieval``, ``compare``;
``ablation``, ``ablation-turns``, ``export``, ``lint``; ``peers`` (other systems), ``speed``, ``route``; ``growth``;
``process`` and ``resident`` (what is measured from outside); ``bench`` writes ``RESULTS.md``.
``kb`` never imports this package.
"""
