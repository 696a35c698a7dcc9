package pulumi.findings_test

import data.pulumi.findings

_rule := {"custom": {"id": "r", "category": "c", "remediation": "mend"}}

_attachment := {"stack": "s", "urn": "u", "policy": {"Statement": [{"Effect": "Allow"}, {"Sid": "S", "Effect": "Deny"}]}}

test_on_statement if {
	findings.on_statement(_rule, _attachment, 1, "low", "m", {"principal": "p", "context": {"aws:securetransport": "false", "my:key": "v"}}) == {
		"rule": "r", "category": "c", "severity": "low", "blocking": false, "message": "m", "msg": "r: m", "remediation": "mend",
		"docs": "docs/rules.md#r", "stack": "s", "urn": "u", "statement": {"index": 1, "sid": "S"}, "witness": {"principal": "p", "context": {"aws:SecureTransport": "false", "my:key": "v"}},
	}
	findings.on_statement(_rule, _attachment, 0, "high", "m", null).statement == {"index": 0}
	not findings.on_statement(_rule, _attachment, 0, "high", "m", null).witness
	findings.on_statement(_rule, {"stack": "s", "urn": "u", "policy": {"Statement": {"Sid": "T"}}}, 0, "high", "m", null).statement.sid == "T"
}

test_on_file if {
	findings.on_file(_rule, {"path": "p.json"}, "high", "m").message == "p.json m"
	findings.on_file(_rule, {"path": ""}, "high", "m").message == "m"
}

test_allows if {
	allow := {"index": 0, "effect": "Allow"}
	findings.allows({"document": {"statements": [allow, {"index": 1, "effect": "Deny"}]}}) == [allow]
}
