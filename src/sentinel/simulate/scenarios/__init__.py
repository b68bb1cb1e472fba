"""Labelled fraud: one scenario a file, each a script of one instance in natural time."""

from sentinel.simulate.scenarios.account_takeover import ACCOUNT_TAKEOVER
from sentinel.simulate.scenarios.card_testing import CARD_TESTING
from sentinel.simulate.scenarios.complaint_after_fraud import COMPLAINT_AFTER_FRAUD
from sentinel.simulate.scenarios.credential_stuffing import CREDENTIAL_STUFFING
from sentinel.simulate.scenarios.mule_account import MULE_ACCOUNT
from sentinel.simulate.scenarios.refund_abuse import REFUND_ABUSE
from sentinel.simulate.scenarios.structuring import STRUCTURING

SCENARIOS = (
    ACCOUNT_TAKEOVER,
    CARD_TESTING,
    MULE_ACCOUNT,
    STRUCTURING,
    CREDENTIAL_STUFFING,
    COMPLAINT_AFTER_FRAUD,
    REFUND_ABUSE,
)
"""Every scenario, in the order in which they take turns."""
