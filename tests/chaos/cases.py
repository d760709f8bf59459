"""All cases, in the order in which they are played."""

from tests.chaos.broker_away import BrokerAway
from tests.chaos.brokers import Broker
from tests.chaos.bystanders import Bystanders
from tests.chaos.case import Case
from tests.chaos.clocks import Clocks
from tests.chaos.cuts import Cuts
from tests.chaos.dashboards import Dashboards
from tests.chaos.kills import Kills
from tests.chaos.lost_answers import LostAnswers
from tests.chaos.pauses import Pauses
from tests.chaos.storages import Storage
from tests.chaos.storms import Storm

CASES: dict[str, type[Case]] = {
    case.name: case
    for case in (
        LostAnswers,
        Kills,
        Pauses,
        Cuts,
        Storm,
        Storage,
        Broker,
        BrokerAway,
        Bystanders,
        Clocks,
        Dashboards,
    )
}
