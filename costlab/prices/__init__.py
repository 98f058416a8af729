"""What things cost: offers of the clouds with date and source, looked up and checked against each other."""

from costlab.prices.catalogue import Catalogue, Missing, Offer
from costlab.prices.check import Doubt, doubts

__all__ = ["Catalogue", "Doubt", "Missing", "Offer", "doubts"]
