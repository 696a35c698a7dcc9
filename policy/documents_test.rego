package iam.documents_test

import data.iam.documents

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_case := {
	"id": "1",
	"request": {
		"principal": "arn:aws:sts::123456789012:assumed-role/R/s",
		"action": "s3:GetObject",
		"resource": {"resource": "arn:aws:s3:::b/k", "accountId": "987654321098"},
		"context": {"aws:SecureTransport": "true", "aws:PrincipalOrgPaths": ["o-1/r-1/"]},
	},
	"identityPolicies": [{"name": "p", "policy": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}}],
	"resourcePolicy": {
		"Version": "2012-10-17",
		"Id": "x",
		"Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["s3:Get*"], "Resource": "*"}],
	},
	"permissionBoundaries": [{"name": "b", "policy": {"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}}],
	"sessionPolicy": {"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::c"}},
	"scps": [{"orgIdentifier": "ou", "policies": [{"name": "s", "policy": _unknown}]}],
	"rcps": [{
		"name": "r",
		"policy": {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}},
	}],
}

_patched(path, value) := json.patch(_case, [{"op": "add", "path": path, "value": value}])

_condition(value) := _patched("/resourcePolicy/Statement/0/Condition", value)

test_a_case if documents.well_formed with input as _case

test_the_least_case if {
	documents.well_formed with input as {"request": _case.request, "identityPolicies": []}
}

test_a_trust_policy_has_no_resource if {
	statement := {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
	policy := _patched("/resourcePolicy/Statement", statement)
	not documents.well_formed with input as policy
	documents.well_formed with input as policy
		with input.request.resource.resource as "arn:aws:iam::123456789012:role/R"
}

test_well_formed[note] if {
	some note, case in {
		"an unknown account": _patched("/request/resource/accountId", _unknown),
		"no resource": _patched("/request/resource/resource", "*"),
		"an unknown policy": _patched("/resourcePolicy", "[secret]"),
		"policies that say nothing": json.patch(_case, [
			{"op": "add", "path": "/resourcePolicy", "value": {}},
			{"op": "add", "path": "/identityPolicies/0/policy", "value": {}},
		]),
		"unknown statements": _patched("/resourcePolicy/Statement", _unknown),
		"an unknown statement": _patched("/resourcePolicy/Statement/0", _unknown),
		"an unknown effect": _patched("/resourcePolicy/Statement/0/Effect", _unknown),
		"an unknown principal element": _patched("/resourcePolicy/Statement/0/Principal", _unknown),
		"principals by type": _patched("/resourcePolicy/Statement/0/Principal", {"AWS": ["123456789012", _unknown], "Service": "x"}),
		"an unknown action": _patched("/resourcePolicy/Statement/0/Action", [_unknown]),
		"conditions": _condition({"StringEquals": {"k": ["v", 1, true]}, "ForAllValues:NumericLessThanIfExists": {"k": 1}}),
		"an unknown condition": _condition(_unknown),
		"an unknown block": _condition({"StringEquals": _unknown}),
		"unknown values": _condition({"IpAddress": {"k": _unknown}, "DateEquals": {"k": [_unknown]}}),
		"dates": _condition({"DateLessThan": {"k": [1735689600, "2025-01-01T00:00:00Z"]}}),
		"networks": _condition({"IpAddress": {"k": ["203.0.113.0/24", "2001:db8::1"]}}),
	}
	documents.well_formed with input as case
}

test_malformed[note] if {
	some note, case in {
		"nothing": {},
		"a text": "x",
		"no request": {"identityPolicies": []},
		"no identity policies": {"request": _case.request},
		"a principal of another kind": _patched("/request/principal", "arn:aws:s3:::b"),
		"an action without a service": _patched("/request/action", "GetObject"),
		"a resource that is no ARN": _patched("/request/resource/resource", "b/k"),
		"no account id": _patched("/request/resource/accountId", "1"),
		"the same key twice": _patched("/request/context/AWS:SecureTransport", "false"),
		"a context value of another type": _patched("/request/context/x", {"y": "z"}),
		"a context value of other types": _patched("/request/context/x", [1]),
		"policies that are no array": _patched("/identityPolicies", {}),
		"a policy without a name": _patched("/identityPolicies/0", {"policy": _unknown}),
		"levels and policies mixed": _patched("/scps/0", {"name": "x", "policies": []}),
		"a policy that is a text": _patched("/resourcePolicy", "{}"),
		"an unknown element": _patched("/resourcePolicy/statement", []),
		"an unknown version": _patched("/resourcePolicy/Version", "2013"),
		"no statements": _patched("/resourcePolicy/Statement", []),
		"a statement that is a number": _patched("/resourcePolicy/Statement", 1),
		"an element in lower case": _patched("/resourcePolicy/Statement/0/effect", "Allow"),
		"another effect": _patched("/resourcePolicy/Statement/0/Effect", "allow"),
		"both of a pair": _patched("/resourcePolicy/Statement/0/NotAction", "*"),
		"no action": _patched("/resourcePolicy/Statement/0/Action", []),
		"an action without a service prefix": _patched("/resourcePolicy/Statement/0/Action", "GetObject"),
		"a resource of another type": _patched("/resourcePolicy/Statement/0/Resource", 1),
		"a principal that is a text": _patched("/resourcePolicy/Statement/0/Principal", "123456789012"),
		"no principals": _patched("/resourcePolicy/Statement/0/Principal", {}),
		"principals of another type": _patched("/resourcePolicy/Statement/0/Principal", {"Aws": "*"}),
		"two principal elements": _patched("/resourcePolicy/Statement/0/NotPrincipal", "*"),
		"a principal in an identity policy": _patched("/identityPolicies/0/policy/Statement/Principal", "*"),
		"conditions of another type": _condition([]),
		"another operator": _condition({"StringContains": {"k": "v"}}),
		"a block of another type": _condition({"StringEquals": ["k"]}),
		"no values": _condition({"StringEquals": {"k": []}}),
		"a value of another type": _condition({"StringEquals": {"k": {}}}),
		"no date": _condition({"DateEquals": {"k": "tomorrow"}}),
		"no network": _condition({"IpAddress": {"k": "203.0.113"}}),
		"no network among others": _condition({"IpAddress": {"k": ["203.0.113.0/24", "x"]}}),
	}
	not documents.well_formed with input as case
}
