package iam.statements_test

import data.iam.preparation
import data.iam.statements

_request := {
	"principal": "arn:aws:sts::123456789012:assumed-role/R/s",
	"action": "s3:GetObject",
	"resource": {"resource": "arn:aws:s3:::b/k", "accountId": "987654321098"},
	"context": {"aws:SecureTransport": "true"},
}

test_effects[note] if {
	some note, case in {
		"what matches": {"elements": {}, "effects": {["Allow", 1]}},
		"letter case of the action": {"elements": {"Action": "S3:getobject"}, "effects": {["Allow", 1]}},
		"another action": {"elements": {"Action": "s3:PutObject"}, "effects": set()},
		"another resource": {"elements": {"Resource": "arn:aws:s3:::b"}, "effects": set()},
		"a condition that does not hold": {"elements": {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, "effects": set()},
		"an open condition": {"elements": {"Condition": {"BinaryEquals": {"aws:SecureTransport": "x"}}}, "effects": {["Allow", 0]}},
		"an open resource": {"elements": {"Resource": "b/k"}, "effects": {["Allow", 0]}},
	}
	policy := {"Statement": object.union({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}, case.elements)}
	statements.effects([preparation.document(policy)]) == case.effects with input.request as _request
}

test_all_actions_but if {
	policy := {"Statement": {"Effect": "Allow", "NotAction": ["s3:Put*", "iam:*"], "Resource": "*"}}
	statements.effects([preparation.document(policy)]) == {["Allow", 1]} with input.request as _request
}

test_effects_of_several_documents if {
	allow := {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
	deny := {"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "NotAction": "*", "Resource": "*"}]}
	documents := [preparation.document(allow), preparation.document(deny)]
	statements.effects(documents) == {["Allow", 1], ["Deny", 1]} with input.request as _request
}
