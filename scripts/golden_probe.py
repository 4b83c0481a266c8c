"""Weights of scikit-learn's logistic regression and numpy's effective rank on the small data of the tests of cresset-objectives' lab.

python scripts/golden_probe.py      (needs numpy, scikit-learn; prints what stands in lab/logistic.rs and lab/geometry.rs)
"""
import numpy as np
from sklearn.linear_model import LogisticRegression

t = np.arange(30.0)
x = np.stack([np.sin(t * 0.7), np.cos(t * 1.3), t / 30 - 0.5], 1)
y = (x[:, 0] > 0.3).astype(int) + (x[:, 2] + (np.arange(30) % 3) * 0.3 > 0.4)
model = LogisticRegression(C=1.0, tol=1e-10, max_iter=10000).fit(x, y)
print(np.round(np.c_[model.coef_, model.intercept_], 6).tolist())

wide = np.stack([np.sin(t * (k + 1) * 0.37) * (k + 1) for k in range(6)], 1)
for rows in (wide, wide[:4]):
    spectrum = np.linalg.eigvalsh(np.cov(rows.T))
    p = spectrum[spectrum > 1e-12] / spectrum.sum()
    print(len(rows), np.exp(-(p * np.log(p)).sum()), p.max())
