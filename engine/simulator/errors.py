"""Refusals of the simulated exchange, in Bitget's codes and words."""

from __future__ import annotations

from typing import Final

TEXTS: Final[dict[str, str]] = {
    "22001": "No order to cancel",
    "22002": "No position to close",
    "40017": "Parameter verification failed {}",
    "40019": "Parameter {} cannot be empty",
    "40020": "Parameter {} error",
    "40034": "Parameter {} does not exist",
    "40109": "The data of the order cannot be found, please confirm the order number",
    "40305": "client_oid length is not greater than 50, and cannot be Martian characters",
    "40306": "Batch processing orders can only process up to {}",
    "40757": "Not enough position is available.",
    "40762": "The order amount exceeds the balance",
    "40768": "Order does not exist",
    "40774": "The order type for unilateral position must also be the unilateral position type.",
    "40786": "Duplicate clientOid",
    "40797": "Exceeded the maximum settable leverage",
    "40800": "Insufficient amount of margin",
    "40801": "Cannot exceed the maximum transferable deposit amount",
    "40802": "Position is zero and direct margin call is not allowed",
    "40808": "Parameter verification exception {} checkBDScale error value={} checkScale={}",
    "40815": "The order price is higher than the highest bid price {}",
    "40816": "The order price is lower than the lowest selling price {}",
    "40823": "The transaction or reasonable marked price does not exist",
    "40830": "The take profit price of the long position should be greater than the current price",
    "40832": "The take profit price of short positions should be less than the current price",
    "40834": "The stop loss price of the long position should be less than the current price",
    "40836": "The stop loss price of the short position should be greater than the current price",
    "40837": "There is no position in this position, so stop-profit and stop-loss orders cannot be made",
    "40838": "There is no position in this position, and automatic margin call cannot be set",
    "40845": "This contract has been removed",
    "40874": "Whole position mode does not support automatic margin call",
    "40875": "Whole position mode does not support margin adjustment",
    "40893": "Unable to update the leverage factor of this position, there is not enough margin!",
    "40895": "The preset price does not match the order/execution price",
    "40915": "Long position take profit price please > mark price {}",
    "40917": "Stop price for long positions please < mark price {}",
    "40920": "Position or order exists, the position mode cannot be switched",
    "40921": "The order size cannot exceed the maximum size of the positionLevel",
    "40923": "Order size and price have not changed",
    "40924": "orderId and clientOid must have one",
    "41114": "The current trading pair is under maintenance, please refer to the official announcement",
    "43005": "Exceed the maximum number of orders",
    "43011": "The parameter does not meet the specification {}",
    "43020": "Stop profit and stop loss order does not exist",
    "43021": "The stop-profit and stop-loss order has been closed",
    "43023": "Insufficient position, can not set profit or stop loss",
    "43025": "Plan order does not exist",
    "43026": "The planned order has been closed",
    "43030": "Take profit order already existed",
    "43031": "Stop loss order already existed",
    "45110": "less than the minimum amount {} USDT",
    "45111": "less than the minimum order quantity",
    "45112": "more than the maximum order quantity",
    "45115": "The price you enter should be a multiple of {}",
    "45117": "Currently holding positions or orders, the margin mode cannot be adjusted",
    "45119": "This symbol does not support position opening operation",
    "45122": "Short position stop loss price please > mark price {}",
}
"""Code → text, with holes for values. Codes and classes: WIRE §8; texts: Bitget's published table of error
codes."""


class BitgetError(Exception):
    """A business answer other than success.

    `code` is Bitget's code as a string, `msg` its text, `status` the HTTP status that carries it.
    """

    def __init__(self, code: str, msg: str, status: int = 400) -> None:
        super().__init__(f"{code} {msg}")
        self.code = code
        self.msg = msg
        self.status = status


def refusal(code: str, *values: object) -> BitgetError:
    """The refusal with Bitget's text for `code`, its holes filled with `values`."""
    return BitgetError(code, TEXTS[code].format(*(values or ("",) * TEXTS[code].count("{}"))).strip())
