package iam.preparation_test

import data.iam.preparation

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_statement := {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}

test_an_unknown_document_may_do_anything[note] if {
	some note, policy in {
		"whole": _unknown,
		"its version": {"Version": _unknown, "Statement": _statement},
		"its statements": {"Statement": _unknown},
		"one of its statements": {"Statement": [_unknown]},
		"its effect": {"Statement": object.union(_statement, {"Effect": _unknown})},
	}
	prepared := preparation.document(policy).statements
	{statement.effect | some statement in prepared} == {"Allow", "Deny"}
	every statement in prepared {
		statement.action == {"covers": true, "truth": 0, "pattern": "^(?s:(?i:.*))$"}
	}
}

test_statements_keep_their_place if {
	prepared := preparation.document({"Statement": [_statement, object.union(_statement, {"Effect": "Deny"})]})
	[[0, "Allow"], [1, "Deny"]] == [[statement.index, statement.effect] | some statement in prepared.statements]
}

test_actions[note] if {
	some note, case in {
		"one": {"elements": {"Action": "s3:Get*"}, "prepared": [{"covers": true, "truth": 1, "pattern": "^(?s:(?i:s3:Get.*))$"}]},
		"several": {
			"elements": {"Action": ["a:B", "c:D"]},
			"prepared": [{"covers": true, "truth": 1, "pattern": "^(?s:(?i:a:B|c:D))$"}],
		},
		"an unknown one": {
			"elements": {"Action": ["a:B", _unknown]},
			"prepared": [
				{"covers": true, "truth": 1, "pattern": "^(?s:(?i:a:B))$"},
				{"covers": true, "truth": 0, "pattern": "^(?s:(?i:.*))$"},
			],
		},
		"all but one": {"elements": {"NotAction": "a:B"}, "prepared": [{"covers": false, "truth": 1, "pattern": "^(?s:(?i:a:B))$"}]},
		"all but an unknown one": {
			"elements": {"NotAction": ["a:B", _unknown]},
			"prepared": [{"covers": false, "truth": 0, "pattern": "^(?s:(?i:a:B))$"}],
		},
	}
	policy := {"Statement": object.union({"Effect": "Allow", "Resource": "*"}, case.elements)}
	[statement.action | some statement in preparation.document(policy).statements] == case.prepared
}

test_a_case_in_layers if {
	prepared := preparation.prepared_case with input as {
		"request": {"action": "s3:GetObject"},
		"identityPolicies": [{"name": "p", "policy": {"Statement": _statement}}],
		"resourcePolicy": {"Statement": _statement},
		"sessionPolicy": {"Statement": _statement},
		"permissionBoundaries": [{"name": "b", "policy": _unknown}],
		"scps": [{"orgIdentifier": "ou", "policies": [{"name": "s", "policy": _unknown}]}],
		"rcps": [{"name": "r", "policy": _unknown}],
	}
	prepared.request == {"action": "s3:GetObject"}
	prepared.identity[0].name == "p"
	prepared.resource[0].name == "resource policy"
	prepared.session[0].name == "session policy"
	prepared.boundary[0].name == "b"
	[level.level | some level in prepared.scp] == ["ou"]
	[level.level | some level in prepared.rcp] == [""]
	prepared.scp[0].documents[0].name == "s"
	prepared.rcp[0].documents[0].name == "r"
}

test_what_is_left_out_is_empty if {
	prepared := preparation.prepared_case with input as {"request": {}, "identityPolicies": []}
	every layer in ["identity", "resource", "boundary", "session", "scp", "rcp"] {
		prepared[layer] == []
	}
}
