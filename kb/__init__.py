"""问指南: answers about 《中小企业数字化转型指南》, only with verbatim, cited passages."""
