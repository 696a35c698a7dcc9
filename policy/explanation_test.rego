package iam.explanation_test

import data.iam.explanation
import data.iam.preparation

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_read := {
	"Sid": "Read",
	"Effect": "Allow",
	"Principal": {"AWS": "arn:aws:iam::123456789012:role/App"},
	"Action": "s3:GetObject",
	"Resource": "arn:aws:s3:::b/shared/*",
	"Condition": {"Bool": {"aws:SecureTransport": "true"}},
}

_list := {
	"Effect": "Allow",
	"Principal": {"AWS": "arn:aws:iam::123456789012:role/App"},
	"Action": "s3:ListBucket",
	"Resource": "arn:aws:s3:::b",
}

_said(layer, patches) := reasons if {
	base := {
		"request": {
			"principal": "arn:aws:sts::123456789012:assumed-role/App/s",
			"action": "s3:GetObject",
			"resource": {"resource": "arn:aws:s3:::b/shared/k", "accountId": "987654321098"},
			"context": {"aws:SecureTransport": "true"},
		},
		"identityPolicies": [],
		"resourcePolicy": {"Version": "2012-10-17", "Statement": [_list, _read]},
	}
	prepared := preparation.prepared_case with input as json.patch(base, patches)
	reasons := [reason | some reason in explanation.reasons with input as prepared; reason.layer == layer]
}

_resource_said(patches) := _said("resource", patches)[0]

_set(path, value) := [{"op": "add", "path": path, "value": value}]

test_allowed if {
	_resource_said([]) == {
		"layer": "resource",
		"outcome": "allowed",
		"statement": {"policy": "resource policy", "index": 1, "sid": "Read"},
	}
}

test_delegated if {
	_resource_said([
		{"op": "replace", "path": "/request/resource/accountId", "value": "123456789012"},
		{"op": "replace", "path": "/resourcePolicy/Statement/1/Principal", "value": {"AWS": "123456789012"}},
	]).outcome == "delegated"
}

test_denied if {
	said := _resource_said(_set("/resourcePolicy/Statement/1", object.union(_read, {"Effect": "Deny", "Principal": "*"})))
	said.outcome == "denied"
	said.statement == {"policy": "resource policy", "index": 1, "sid": "Read"}
}

test_the_nearest_miss[part] if {
	some part, case in {
		"principal": {
			"patches": _set("/request/principal", "arn:aws:sts::123456789012:assumed-role/Apq/s"),
			"miss": {
				"element": "Principal",
				"wanted": {"AWS": "arn:aws:iam::123456789012:role/App"},
				"got": "arn:aws:sts::123456789012:assumed-role/Apq/s",
			},
		},
		"action": {
			"patches": _set("/request/action", "s3:PutObject"),
			"miss": {"element": "Action", "wanted": "s3:GetObject", "got": "s3:PutObject"},
		},
		"resource": {
			"patches": _set("/request/resource/resource", "arn:aws:s3:::b/other"),
			"miss": {"element": "Resource", "wanted": "arn:aws:s3:::b/shared/*", "got": "arn:aws:s3:::b/other"},
		},
		"condition": {
			"patches": _set("/request/context", {}),
			"miss": {
				"element": "Condition",
				"operator": "Bool",
				"key": "aws:SecureTransport",
				"wanted": "true",
				"got": null,
			},
		},
	}
	said := _resource_said(case.patches)
	said.outcome == "silent"
	said.nearest == object.union(case.miss, {"part": part, "policy": "resource policy", "index": 1, "sid": "Read"})
}

test_the_nearest_miss_of_a_negated_element if {
	said := _resource_said(array.concat(
		_set("/resourcePolicy/Statement/1/NotResource", "arn:aws:s3:::b/shared/*"),
		[{"op": "remove", "path": "/resourcePolicy/Statement/1/Resource"}],
	))
	said.nearest.element == "NotResource"
}

test_nothing_is_near_where_nothing_allows if {
	said := _resource_said(_set("/resourcePolicy/Statement", [object.union(_list, {"Effect": "Deny"})]))
	said == {"layer": "resource", "outcome": "silent"}
}

test_undetermined[note] if {
	some note, case in {
		"an Allow": {
			"patches": _set("/resourcePolicy/Statement/1/Resource", "arn:aws:S3:::b/shared/*"),
			"part": "resource",
		},
		"a Deny": {
			"patches": _set("/resourcePolicy/Statement/0", object.union(_read, {
				"Effect": "Deny",
				"Condition": {"BinaryEquals": {"aws:SecureTransport": "dHJ1ZQ=="}},
			})),
			"part": "condition",
		},
		"a document": {"patches": _set("/resourcePolicy", _unknown), "part": "document"},
	}
	said := _resource_said(case.patches)
	said.outcome == "undetermined"
	said.nearest.part == case.part
}

test_levels if {
	everything := {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
	said := _said("scp", _set("/scps", [
		{"orgIdentifier": "root", "policies": [{"name": "all", "policy": everything}]},
		{"orgIdentifier": "ou", "policies": []},
	]))
	said == [
		{"layer": "scp", "level": "root", "outcome": "allowed", "statement": {"policy": "all", "index": 0}},
		{"layer": "scp", "level": "ou", "outcome": "silent"},
	]
}

test_resource_control_policies_allow_by_themselves if {
	policy := {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}}
	said := _said("rcp", _set("/rcps", [{"name": "r", "policy": policy}]))
	said == [{"layer": "rcp", "outcome": "allowed"}]
}

test_absent if {
	every layer in ["scp", "rcp", "boundary", "session", "identity"] {
		_said(layer, []) == [{"layer": layer, "outcome": "absent"}]
	}
}

test_what_does_not_apply_to_a_service if {
	everything := {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
	said := _said("identity", array.concat(
		_set("/request/principal", "lambda.amazonaws.com"),
		_set("/identityPolicies", [{"name": "p", "policy": everything}]),
	))
	said == [{"layer": "identity", "outcome": "inapplicable"}]
}
