"""What a lead rests on, drawn from the database."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from api.console import reads
from api.console.texts import Catalogue
from api.console.views import lead as lead_view
from api.console.views import lead_plots, profiles
from api.console.views.hours import water_hours
from housing import estates
from housing.kinds import BY_CODE, OF_WATER, PEOPLE
from housing.leads import Lead
from housing.scope import Scope
from policy.groups import Leak
from storage.pool import Connection


def draw(
    connection: Connection, t: Catalogue, lead: Lead, *, scope: Scope, rules: Leak, now: datetime
) -> lead_view.Plots:
    """The plots of a lead, up to its end or now; gaps are shown as gaps."""
    zone = ZoneInfo(lead.time_zone)
    until = min(now, lead.closed_at + timedelta(days=1)) if lead.closed_at else now
    if lead.kind in OF_WATER:
        count = lead_plots.hours_shown(lead, now=until)
        hours = water_hours(connection, [lead.unit_id], count=count, now=until)
        return lead_plots.leak_plots(t, lead, hours[lead.unit_id], rules=rules, zone=zone)
    last = until.astimezone(zone).date() - timedelta(days=1)
    days = reads.unit_days(connection, lead.unit_id, first=lead_plots.window_of(lead, last=last), last=last)
    installed = reads.installed(connection, lead.unit_id, days, zone=zone)
    if BY_CODE[lead.kind].family != PEOPLE:
        return lead_plots.idle_plots(t, lead, days, installed)
    header = estates.unit_header(connection, lead.unit_id, scope=scope, now=now)
    peers = reads.peers(
        connection,
        estate_id=lead.estate_id,
        unit_id=lead.unit_id,
        rooms=header.rooms,
        first=days.first,
        last=days.last,
    )
    shape = profiles.load(
        connection, t, lead.unit_id, since=lead.since, zone=zone, today=last + timedelta(days=1)
    )
    return lead_plots.people_plots(t, lead, days, shape=shape, peers=peers, installed=installed)
