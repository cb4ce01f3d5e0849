"""Jira Cloud (REST v3), Jira Data Center (REST v2) and their service desks, as far as tickets need them.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/,
https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/,
https://docs.atlassian.com/software/jira/docs/api/REST/9.12.0/,
https://developer.atlassian.com/cloud/jira/service-desk/rest/api-group-request/.
"""

from __future__ import annotations

import base64
from typing import Any

from tests.publish.vendors.jql_reader import BadJql, read
from tests.publish.vendors.vendor import Asked, Refuse, Said, Vendor, parsed

USER, TOKEN = "bot@shop.example", "jira-token"
ACCOUNT = "5b10ac8d82e05b22cc7d4ef5"
PEOPLE = {ACCOUNT: "Headwater", "5b109f2e9729b51b54dc274d": "Mia Krystof"}
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
STATUSES = {"To Do": "new", "In Progress": "indeterminate", "Done": "done", "Won't Do": "done"}
WORKFLOW = {
    "To Do": {"11": "In Progress", "31": "Done"},
    "In Progress": {"31": "Done", "41": "Won't Do"},
    "Done": {"51": "To Do"},
    "Won't Do": {},
}
LINKS = ("Duplicate", "Relates", "Blocks")
BUSY = Said(429, {"errorMessages": ["Rate limit exceeded."], "errors": {}}, {"Retry-After": "23"})
HTML = Said(502, b"<html><h1>502 Bad Gateway</h1></html>", {"Content-Type": "text/html"})


def failure(status: int, *messages: str, **errors: str) -> Said:
    return Said(status, {"errorMessages": list(messages), "errors": errors})


def missing() -> Said:
    return failure(404, "Issue does not exist or you do not have permission to see it.")


class JiraSite(Vendor):
    """``lag``: so many requests go by before a search sees a new issue. ``off_screen``: fields that the project does
    not show. ``reverts``: transitions have no effect. ``resolution_needed``: the way to Done asks for one.
    ``anonymous``: wrong credentials are answered as if there were none."""

    def __init__(self, *, cloud: bool = True) -> None:
        super().__init__()
        self.cloud = cloud
        self.issues: list[dict[str, Any]] = []
        self.links: list[tuple[str, str, str]] = []
        self.lag = 0
        self.off_screen: set[str] = set()
        self.reverts = False
        self.resolution_needed = False
        self.anonymous = False

    def carry_out(self, asked: Asked) -> Said:
        if not self._known(asked):
            if self.anonymous:
                return missing()._replace(headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"})
            raise Refuse(failure(401, "Client must be authenticated to access this resource."))
        if asked.method != "GET" and asked.headers.get("content-type") != "application/json":
            raise Refuse(Said(415, b"Unsupported Media Type", {"Content-Type": "text/plain"}))
        parts = asked.path.strip("/").split("/")
        if asked.path == "/rest/servicedeskapi/request" and asked.method == "POST":
            return self._request(asked)
        if parts[:3] != ["rest", "api", "3" if self.cloud else "2"]:
            raise Refuse(failure(404, "dead link"))
        return self._rest(asked, parts[3:])

    def _known(self, asked: Asked) -> bool:
        secret = f"Basic {base64.b64encode(f'{USER}:{TOKEN}'.encode()).decode()}" if self.cloud else f"Bearer {TOKEN}"
        return asked.headers.get("authorization") == secret

    def _rest(self, asked: Asked, parts: list[str]) -> Said:
        place = (asked.method, *parts)
        if place == ("GET", "myself"):
            return Said(200, self._person(ACCOUNT))
        if place == ("POST", "issue"):
            return self._create(asked)
        if place == ("POST", "issueLink"):
            return self._link(asked)
        if place[:2] == ("POST", "search"):
            return self._search(asked, parts[1:])
        if len(parts) >= 2 and parts[0] == "issue":
            issue = next((one for one in self.issues if parts[1] in (one["id"], one["key"])), None)
            if issue is None:
                raise Refuse(missing())
            return self._issue(asked, issue, parts[2:])
        raise Refuse(Said(405, b""))

    def _issue(self, asked: Asked, issue: dict[str, Any], rest: list[str]) -> Said:
        kind = (asked.method, *rest)
        if kind == ("GET",):
            return Said(200, self._shown(issue, changelog=asked.query.get("expand") == "changelog"))
        if kind == ("PUT",):
            fields = self._body(asked, {"fields"})["fields"]
            self._refuse_wrong(fields, {"summary", "priority", "assignee", "labels", "description"})
            self._set(issue, fields)
            return Said(204)
        if kind == ("GET", "transitions"):
            return Said(200, {"expand": "transitions", "transitions": self._transitions(issue)})
        if kind == ("POST", "transitions"):
            return self._transit(asked, issue)
        if rest == ["comment"]:
            return self._comment(asked, issue)
        raise Refuse(Said(405, b""))

    # making

    def _create(self, asked: Asked) -> Said:
        fields = self._body(asked, {"fields"})["fields"]
        known = {"project", "issuetype", "summary", "description", "labels", "priority", "assignee", "components"}
        if fields.get("project", {}).get("key") not in ("OPS", "NET"):
            raise Refuse(failure(400, project="valid project is required"))
        if fields.get("issuetype", {}).get("name") not in ("Task", "Incident"):
            raise Refuse(failure(400, issuetype="Specify a valid issue type"))
        self._refuse_wrong(fields, known)
        issue = self._made(fields["project"]["key"], fields)
        return Said(
            201,
            {"id": issue["id"], "key": issue["key"], "self": f"https://vendor.example/rest/api/3/issue/{issue['id']}"},
        )

    def _request(self, asked: Asked) -> Said:
        """The form of request type 10 shows summary, description and priority."""
        body = self._body(asked, {"serviceDeskId", "requestTypeId", "requestFieldValues", "isAdfRequest"})
        fields, allowed = body["requestFieldValues"], {"summary", "description", "priority"}
        if (body["serviceDeskId"], body["requestTypeId"]) != ("1", "10") or set(fields) - allowed:
            message = "Your request could not be created. Please check the fields have been correctly populated."
            raise Refuse(
                Said(400, {"errorMessage": message, "i18nErrorMessage": {"i18nKey": "sd.request.create.error"}})
            )
        if isinstance(fields["description"], dict) != bool(body.get("isAdfRequest")):
            raise Refuse(Said(400, {"errorMessage": "description: Operation value must be an Atlassian Document"}))
        self._refuse_wrong(fields, allowed)
        issue = self._made("OPS", fields)
        return Said(
            201, {"issueId": issue["id"], "issueKey": issue["key"], "requestTypeId": "10", "serviceDeskId": "1"}
        )

    def _made(self, project: str, fields: dict[str, Any]) -> dict[str, Any]:
        number = len(self.issues) + 1
        issue: dict[str, Any] = {
            "id": str(10000 + number),
            "key": f"{project}-{number}",
            "project": project,
            "status": "To Do",
        }
        issue |= {
            "labels": [],
            "priority": "Medium",
            "assignee": None,
            "resolution": None,
            "comments": [],
            "seen_at": 0,
        }
        issue |= {"histories": [], "seen_at": self.turn + self.lag}
        self.issues.append(issue)
        self._set(issue, fields)
        return issue

    def _set(self, issue: dict[str, Any], fields: dict[str, Any], by: str = ACCOUNT) -> None:
        for name, value in fields.items():
            simple = value["name"] if name == "priority" else value
            issue[name] = (value or {}).get("accountId" if self.cloud else "name") if name == "assignee" else simple
        issue["text"] = str(issue.get("description"))
        issue["updated"] = self._time()
        issue["histories"].append({"created": self._time(), "author": self._person(by)})

    def _refuse_wrong(self, fields: dict[str, Any], known: set[str]) -> None:
        on_screen = known - self.off_screen
        unknown = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
        errors = {name: unknown.format(name) for name in fields if name not in on_screen}
        summary = fields.get("summary", "x")
        if not summary.strip() or len(summary) > 255 or "\n" in summary:
            errors["summary"] = "You must specify a summary of the issue, of at most 255 characters and one line."
        if any(" " in label or len(label) > 255 or not label for label in fields.get("labels", ())):
            errors["labels"] = "The label contains spaces which is invalid."
        if "priority" not in errors and (fields.get("priority") or {"name": "High"})["name"] not in PRIORITIES:
            errors["priority"] = "The priority selected is invalid."
        person = (fields.get("assignee") or {}).get("accountId" if self.cloud else "name")
        if person is not None and person not in PEOPLE:
            errors["assignee"] = "User does not exist or is not assignable."
        if "description" in fields and not self._is_text(fields["description"]):
            errors["description"] = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
        if errors:
            raise Refuse(failure(400, **errors))

    # changing

    def _transitions(self, issue: dict[str, Any]) -> list[dict[str, Any]]:
        screen = {"resolution": {"required": True}} if self.resolution_needed else {}
        return [
            {"id": id, "name": f"To {status}", "to": self._status(status), "fields": screen if status == "Done" else {}}
            for id, status in WORKFLOW[issue["status"]].items()
        ]

    def _transit(self, asked: Asked, issue: dict[str, Any]) -> Said:
        body = self._body(asked, {"transition", "fields"})
        status = WORKFLOW[issue["status"]].get(body["transition"]["id"])
        if status is None:
            raise Refuse(failure(400, f"Transition id '{body['transition']['id']}' is not valid for this issue."))
        resolution = body.get("fields", {}).get("resolution", {}).get("name")
        if self.resolution_needed and status == "Done" and not resolution:
            raise Refuse(failure(400, resolution="Resolution is required."))
        if not self.reverts:
            done = STATUSES[status] == "done"
            self._set(issue, {"status": status, "resolution": (resolution or "Done") if done else None})
        return Said(204)

    def _comment(self, asked: Asked, issue: dict[str, Any]) -> Said:
        if asked.method == "GET":
            newest = sorted(issue["comments"], key=lambda one: -int(one["id"]))[: int(asked.query["maxResults"])]
            page = {"startAt": 0, "maxResults": int(asked.query["maxResults"]), "total": len(issue["comments"])}
            return Said(200, {**page, "comments": newest if asked.query["orderBy"] == "-created" else newest[::-1]})
        body = self._body(asked, {"body", "properties"})
        if not self._is_text(body["body"]):
            raise Refuse(failure(400, comment="Comment body is not valid!"))
        return Said(201, self._add_comment(issue, ACCOUNT, body["body"], body.get("properties", [])))

    def _add_comment(self, issue: dict[str, Any], by: str, body: Any, properties: list[Any]) -> dict[str, Any]:
        id = str(20000 + sum(len(one["comments"]) for one in self.issues))
        comment = {
            "id": id,
            "author": self._person(by),
            "body": body,
            "created": self._time(),
            "properties": properties,
        }
        issue["comments"].append(comment)
        return comment

    def _link(self, asked: Asked) -> Said:
        body = self._body(asked, {"type", "inwardIssue", "outwardIssue"})
        if body["type"]["name"] not in LINKS:
            raise Refuse(failure(404, f"No issue link type with name '{body['type']['name']}' found."))
        ends = [
            next((one["id"] for one in self.issues if one["id"] == body[end]["id"]), "")
            for end in ("inwardIssue", "outwardIssue")
        ]
        if not all(ends):
            raise Refuse(missing())
        link = (body["type"]["name"], ends[0], ends[1])
        self.links += [link] if link not in self.links else []
        return Said(201)

    # reading

    def _search(self, asked: Asked, rest: list[str]) -> Said:
        if self.cloud and rest != ["jql"]:
            raise Refuse(
                failure(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.")
            )
        body = self._body(asked, {"jql", "maxResults", "fields", *(["reconcileIssues"] if self.cloud else [])})
        known = body.get("reconcileIssues", [])
        if len(known) > 50 or not all(type(id) is int for id in known):
            raise Refuse(failure(400, "reconcileIssues: at most 50 issue ids"))
        try:
            test = read(body["jql"])
        except BadJql as error:
            raise Refuse(failure(400, f"Error in the JQL Query: {error}")) from None
        visible = [one for one in self.issues if one["seen_at"] <= self.turn or int(one["id"]) in known]
        found = [self._shown(one) for one in visible if test(one)]
        return Said(
            200,
            {"issues": found, "isLast": True} if self.cloud else {"startAt": 0, "total": len(found), "issues": found},
        )

    def _shown(self, issue: dict[str, Any], *, changelog: bool = False) -> dict[str, Any]:
        fields: dict[str, Any] = {name: issue.get(name) for name in ("summary", "labels", "description", "updated")}
        fields |= {"status": self._status(issue["status"]), "priority": {"name": issue["priority"]}}
        fields |= {"assignee": self._person(issue["assignee"]) if issue["assignee"] else None}
        fields |= {"resolution": {"name": issue["resolution"]} if issue["resolution"] else None}
        history = {"changelog": {"histories": issue["histories"]}} if changelog else {}
        return {"id": issue["id"], "key": issue["key"], "fields": fields, **history}

    def _status(self, name: str) -> dict[str, Any]:
        return {"name": name, "statusCategory": {"key": STATUSES[name]}}

    def _person(self, id: str) -> dict[str, str]:
        return {"accountId" if self.cloud else "name": id, "displayName": PEOPLE[id]}

    def _body(self, asked: Asked, known: set[str]) -> dict[str, Any]:
        body = parsed(
            asked, failure(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        )
        if set(body) - known:
            raise Refuse(failure(400, f"Unrecognized fields {sorted(set(body) - known)}"))
        return body

    def _is_text(self, value: Any) -> bool:
        if not self.cloud:
            return isinstance(value, str) and len(value) <= 32_767
        return isinstance(value, dict) and value.get("type") == "doc" and value.get("version") == 1 and _is_adf(value)

    def _time(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    # what people do there

    def person_writes(self, remote: str, body: Any) -> None:
        issue = next(one for one in self.issues if one["id"] == remote)
        self._add_comment(issue, "5b109f2e9729b51b54dc274d", body, [])

    def person_changes(self, remote: str, **fields: Any) -> None:
        self._set(next(one for one in self.issues if one["id"] == remote), fields, "5b109f2e9729b51b54dc274d")


def _is_adf(doc: dict[str, Any]) -> bool:
    """Paragraphs of texts and hard breaks, nothing else and nothing empty; at most 32,767 characters."""
    size = 0
    for block in doc["content"]:
        if set(block) - {"type", "content"} or block["type"] != "paragraph" or block.get("content") == []:
            return False
        for node in block.get("content", ()):
            if node != {"type": "hardBreak"} and (set(node) != {"type", "text"} or not node["text"]):
                return False
            size += len(node.get("text", "\n"))
    return size <= 32_767
