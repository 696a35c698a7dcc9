package iam.decision_test

import data.iam.decision

_policy(elements) := {"Statement": object.union({"Effect": "Allow", "Action": "*", "Resource": "*"}, elements)}

_case := {
	"request": {
		"principal": "arn:aws:sts::123456789012:assumed-role/App/s",
		"action": "s3:GetObject",
		"resource": {"resource": "arn:aws:s3:::b/k", "accountId": "987654321098"},
		"context": {},
	},
	"identityPolicies": [{"name": "p", "policy": _policy({})}],
	"resourcePolicy": _policy({"Principal": {"AWS": "arn:aws:iam::123456789012:role/App"}}),
}

test_a_case_is_decided if decision.decision == "Allowed" with input as _case

test_malformed_input_is_undetermined[note] if {
	some note, case in {
		"nothing": {},
		"no policies": object.union(_case, {"identityPolicies": "none"}),
		"a policy that is a text": object.union(_case, {"resourcePolicy": "none"}),
		"an action without a service": object.union(_case, {"request": object.union(_case.request, {"action": "GetObject"})}),
	}
	decision.decision == "Undetermined" with input as case
	decision.reasons == [] with input as case
}

test_reasons_are_given if {
	[reason.layer | some reason in decision.reasons] == ["scp", "rcp", "boundary", "session", "identity", "resource"] with input as _case
}
