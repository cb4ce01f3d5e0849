"""ServiceNow's Table API and Import Set API, as far as tickets need them.

https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html,
https://www.servicenow.com/docs/r/yokohama/api-reference/rest-apis/c_ImportSetAPI.html,
https://support.servicenow.com/kb?id=kb_article_view&sysparm_article=KB1479016 (statuses).
"""

from __future__ import annotations

import base64
import hashlib
import operator
import re
from typing import Any

from tests.publish.vendors.vendor import Asked, Refuse, Said, Vendor, parsed

USER, PASSWORD = "headwater", "now-secret"
PARAMETERS = {
    "sysparm_query",
    "sysparm_fields",
    "sysparm_limit",
    "sysparm_display_value",
    "sysparm_exclude_reference_link",
}
PRIORITY = {"11": "1", "12": "2", "13": "3", "21": "2", "22": "3", "23": "4", "31": "3", "32": "4", "33": "5"}
STATES = {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"}
CODES = {"Solution provided", "Known error", "User error", "Duplicate"}
SETTABLE = {
    "short_description": 160, "description": 4000, "correlation_id": 100, "correlation_display": 100, "impact": 1,
    "urgency": 1, "state": 1, "close_code": 40, "close_notes": 4000, "work_notes": 4000, "comments": 4000,
    "assignment_group": 32, "assigned_to": 32, "parent_incident": 32, "cmdb_ci": 32, "category": 40,
}  # fmt: skip
CONDITION = re.compile(r"([a-z_.]+?)(=|IN)(.*)", re.DOTALL)
GROUPS = {"network": "11111111111111111111111111111111", "database": "22222222222222222222222222222222"}
USERS = {
    USER: "55555555555555555555555555555555",
    "fred.luddy": "33333333333333333333333333333333",
    "beth.anglin": "44444444444444444444444444444444",
}


def failure(status: int, message: str, detail: str = "", **headers: str) -> Said:
    body = {"error": {"message": message, "detail": detail or None}, "status": "failure"}
    return Said(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


HIBERNATING = Said(200, b"<html><body>Your instance is hibernating</body></html>", {"Content-Type": "text/html"})
BUSY = failure(429, "Rate limit exceeded", "", Retry_After="17")


class ServiceNowInstance(Vendor):
    """``reverts``: fields that a business rule puts back. ``returns_all``: an unknown condition is ignored, as
    delivered. ``executed``: scripts that a query made the instance run."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[dict[str, str]]] = {
            "incident": [],
            "sys_journal_field": [],
            "sys_user": [{"sys_id": id, "user_name": name} for name, id in USERS.items()],
            "sys_user_group": [{"sys_id": id, "name": name} for name, id in GROUPS.items()],
        }
        self.reverts: set[str] = set()
        self.executed: list[str] = []

    def carry_out(self, asked: Asked) -> Said:
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if asked.headers.get("authorization") != expected:
            raise Refuse(failure(401, "User Not Authenticated", "Required to provide Auth information"))
        if asked.headers.get("accept") != "application/json":
            raise Refuse(failure(406, "Not acceptable", "The endpoint does not support the requested format"))
        if asked.method != "GET" and asked.headers.get("content-type") != "application/json":
            raise Refuse(failure(415, "Unsupported media type", "Media type not supported"))
        parts = asked.path.strip("/").split("/")
        if parts[:3] == ["api", "now", "import"] and len(parts) == 4 and asked.method == "POST":
            return self._import(parts[3], asked)
        if parts[:3] != ["api", "now", "table"] or len(parts) not in (4, 5) or set(asked.query) - PARAMETERS:
            raise Refuse(failure(400, "Requested URI does not represent any resource", asked.target[:100]))
        if parts[3] not in self.tables:
            raise Refuse(failure(400, f"Invalid table {parts[3]}"))
        return self._table(parts[3], parts[4] if len(parts) == 5 else "", asked)

    def _table(self, table: str, sys_id: str, asked: Asked) -> Said:
        if asked.method == "GET" and not sys_id:
            return Said(200, {"result": [self._shown(one, asked) for one in self._query(table, asked.query)]})
        if asked.method == "POST" and not sys_id and table == "incident":
            record = self._insert(self._fields(asked))
            headers = {"Location": f"{self.url}/api/now/table/incident/{record['sys_id']}"}
            return Said(201, {"result": self._shown(record, asked)}, headers)
        record = next((one for one in self.tables[table] if one["sys_id"] == sys_id), {})
        if not record:
            raise Refuse(failure(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval"))
        if asked.method == "PATCH":
            self._update(record, self._fields(asked))
        elif asked.method != "GET":
            raise Refuse(failure(405, "Method not allowed"))
        return Said(200, {"result": self._shown(record, asked)})

    def _fields(self, asked: Asked) -> dict[str, str]:
        fields = parsed(asked, failure(400, "Exception while reading request", "The payload is not valid JSON"))
        return self._checked(fields)

    def _checked(self, fields: dict[str, Any]) -> dict[str, str]:
        for name, value in fields.items():
            if name not in SETTABLE or not isinstance(value, str):
                raise Refuse(failure(400, "Invalid field", name))
            if len(value) > SETTABLE[name]:
                raise Refuse(failure(400, "Value too long", name))
            if SETTABLE[name] == 32 and value and not re.fullmatch(r"[0-9a-f]{32}", value):
                raise Refuse(failure(400, "Invalid reference", name))
            if "\x00" in value:
                raise Refuse(failure(400, "Invalid character", name))
        return fields

    def _insert(self, fields: dict[str, str]) -> dict[str, str]:
        count = len(self.tables["incident"]) + 1
        record = {name: "" for name in SETTABLE if name not in ("work_notes", "comments")}
        record |= {"state": "1", "impact": "3", "urgency": "3", "sys_mod_count": "-1"}
        record |= {"sys_id": self._id("incident", count), "number": f"INC{count:07}", "sys_created_on": self._time()}
        self.tables["incident"].append(record)
        self._update(record, fields, by_rule=True)
        return record

    def _update(self, record: dict[str, str], fields: dict[str, str], *, by_rule: bool = False) -> None:
        taken = {name: value for name, value in fields.items() if by_rule or name not in self.reverts}
        if taken.get("state", record["state"]) not in STATES:
            raise Refuse(failure(403, "Operation Failed", "Invalid state"))
        closing = taken.get("state") in ("6", "7") and record["state"] not in ("6", "7")
        merged = record | taken
        if closing and not (merged["close_notes"] and merged["close_code"] in CODES):
            detail = "Data Policy Exception: The following fields are mandatory: Close notes, Close code"
            raise Refuse(failure(403, "Operation Failed", detail))
        for name in ("work_notes", "comments"):
            if text := taken.pop(name, ""):
                self._write_journal(record["sys_id"], name, text)
        record |= taken
        record["priority"] = PRIORITY[record["impact"] + record["urgency"]]
        record["sys_mod_count"] = str(int(record["sys_mod_count"]) + 1)
        record |= {"sys_updated_on": self._time(), "sys_updated_by": USER}

    def _write_journal(self, element: str, name: str, text: str, author: str = USER) -> None:
        journal = self.tables["sys_journal_field"]
        id, at = self._id("journal", len(journal)), self._time()
        entry = {"sys_id": id, "element_id": element, "element": name, "value": text, "sys_created_by": author}
        journal.append(entry | {"sys_created_on": at, "name": "incident"})

    def _query(self, table: str, query: dict[str, str]) -> list[dict[str, str]]:
        """An unknown field's condition is ignored: the trap of this API (``glide.invalid_query.returns_no_rows``)."""
        found = list(self.tables[table])
        for term in query.get("sysparm_query", "").split("^"):
            if order := re.fullmatch(r"ORDERBY(DESC)?([a-z_]+)", term):
                found = sorted(found, key=operator.itemgetter(order[2]), reverse=bool(order[1]))
            elif (part := CONDITION.fullmatch(term)) and part[1] in (found[0] if found else {}):
                values = part[3].split(",") if part[2] == "IN" else [part[3]]
                self.executed += [value for value in values if value.startswith("javascript:")]
                found = [one for one in found if one[part[1]].lower() in [value.lower() for value in values]]
        return found[: int(query.get("sysparm_limit", "10000"))]

    def _shown(self, record: dict[str, str], asked: Asked) -> dict[str, Any]:
        every = {
            **record,
            "assigned_to.user_name": next((n for n, id in USERS.items() if id == record.get("assigned_to")), ""),
        }
        wanted = asked.query.get("sysparm_fields", "")
        names = wanted.split(",") if wanted else list(every)
        values = {name: every.get(name, "") for name in names if name in every}
        if asked.query.get("sysparm_display_value") != "all":
            return values
        shown = {"state": STATES.get(record.get("state", ""), "")}
        return {name: {"display_value": shown.get(name, value), "value": value} for name, value in values.items()}

    def _import(self, staging: str, asked: Asked) -> Said:
        """One row; the transform map coalesces on the correlation id."""
        row = parsed(asked, failure(400, "Exception while reading request"))
        fields = self._checked({name.removeprefix("u_"): value for name, value in row.items()})
        if staging != "u_headwater" or not all(name.startswith("u_") for name in row):
            raise Refuse(failure(400, f"Invalid staging table {staging}"))
        held = [one for one in self.tables["incident"] if one["correlation_id"] == fields["correlation_id"]]
        record = held[0] if held else self._insert(fields)
        if held:
            self._update(record, fields)
        link = f"https://vendor.example/api/now/table/incident/{record['sys_id']}"
        result = {"transform_map": "Headwater", "table": "incident", "display_name": "number", "record_link": link}
        result |= {
            "display_value": record["number"],
            "status": "updated" if held else "inserted",
            "sys_id": record["sys_id"],
        }
        return Said(201, {"import_set": "ISET0010001", "staging_table": staging, "result": [result]})

    def _id(self, kind: str, count: int) -> str:
        return hashlib.md5(f"{kind}{count}".encode(), usedforsecurity=False).hexdigest()

    def _time(self) -> str:
        return self.now.strftime("%Y-%m-%d %H:%M:%S")

    # what people do there

    def person_writes(self, remote: str, text: str, author: str = "beth.anglin") -> None:
        self._write_journal(remote, "work_notes", text, author)

    def person_changes(self, remote: str, **fields: str) -> None:
        record = next(one for one in self.tables["incident"] if one["sys_id"] == remote)
        record |= {**fields, "sys_updated_by": "beth.anglin"}
