package pulumi.findings_test

import data.pulumi.findings
import data.pulumi.fingerprints

_rule := {"custom": {"id": "r", "category": "c", "remediation": "mend"}}

_attachment := {"stack": "s", "urn": "u", "policy": {"Statement": [{"Effect": "Allow"}, {"Sid": "S", "Effect": "Deny"}]}}

test_on_statement if {
	findings.on_statement(_rule, _attachment, 1, "low", "m", {"principal": "p", "context": {"aws:securetransport": "false", "my:key": "v"}}) == {
		"rule": "r", "category": "c", "severity": "low", "blocking": false, "message": "m", "msg": "r: m", "remediation": "mend",
		"docs": "docs/rules.md#r", "stack": "s", "urn": "u", "fingerprint": _of("low", fingerprints.statement(_attachment.policy, 1)), "statement": {"index": 1, "sid": "S"}, "witness": {"principal": "p", "context": {"aws:SecureTransport": "false", "my:key": "v"}},
	}
	findings.on_statement(_rule, _attachment, 0, "high", "m", null).statement == {"index": 0}
	not findings.on_statement(_rule, _attachment, 0, "high", "m", null).witness
	findings.on_statement(_rule, {"stack": "s", "urn": "u", "policy": {"Statement": {"Sid": "T"}}}, 0, "high", "m", null).statement.sid == "T"
}

_of(severity, meaning) := fingerprints.of([severity, meaning])

test_fingerprints if {
	said := fingerprints.policy(_attachment.policy)
	findings.on_policy(_rule, _attachment, "low", "m", null).fingerprint == _of("low", [said, ""])
	findings.on_policy(_rule, object.union(_attachment, {"beside": "x"}), "low", "m", null).fingerprint == _of("low", [said, "x"])
	findings.on_resource(_rule, _attachment, "high", "m").fingerprint == _of("high", "m")
}

# What could not be judged is no less a finding for having no policy that could be looked at.
test_no_fingerprint if {
	rule := {"custom": {"id": "r", "category": "integrity", "remediation": "mend"}}
	found := findings.on_policy(rule, object.remove(_attachment, ["policy"]), "high", "m", null)
	found.urn == "u"
	not found.fingerprint
	not findings.on_statement(rule, _attachment, 1, "high", "m", null).fingerprint
	not findings.on_exception(rule, _attachment, "low", "m").fingerprint
}

test_on_file if {
	findings.on_file(_rule, {"path": "p.json"}, "high", "m").message == "p.json m"
	findings.on_file(_rule, {"path": ""}, "high", "m").message == "m"
}

test_allows if {
	allow := {"index": 0, "effect": "Allow"}
	findings.allows({"document": {"statements": [allow, {"index": 1, "effect": "Deny"}]}}) == [allow]
}
