package iam.evaluation_test

import data.iam.evaluation
import data.iam.preparation

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_session := "arn:aws:sts::123456789012:assumed-role/App/s"

_policy(elements) := {"Statement": object.union({"Effect": "Allow", "Action": "*", "Resource": "*"}, elements)}

_named(elements) := [{"name": "p", "policy": _policy(elements)}]

_grants(principal) := _policy({"Principal": {"AWS": principal}})

_nothing := {"Action": "ec2:*"}

_deny := {"Effect": "Deny"}

_across := {
	"request": {
		"principal": _session,
		"action": "s3:GetObject",
		"resource": {"resource": "arn:aws:s3:::b/k", "accountId": "987654321098"},
		"context": {},
	},
	"identityPolicies": _named({}),
	"resourcePolicy": _grants(_session),
}

_within := json.patch(_across, [{"op": "replace", "path": "/request/resource/accountId", "value": "123456789012"}])

_by(base, principal) := json.patch(base, [{"op": "replace", "path": "/request/principal", "value": principal}])

_key := json.patch(_within, [
	{"op": "replace", "path": "/request/action", "value": "kms:Decrypt"},
	{"op": "replace", "path": "/request/resource/resource", "value": "arn:aws:kms:us-east-1:123456789012:key/k"},
])

_role := json.patch(_within, [
	{"op": "replace", "path": "/request/action", "value": "sts:AssumeRole"},
	{"op": "replace", "path": "/request/resource/resource", "value": "arn:aws:iam::123456789012:role/R"},
])

test_decision[note] if {
	some note, case in {
		"both halves": {"base": _across, "change": {}, "want": "Allowed"},
		"across, without the identity policy": {"base": _across, "change": {"identityPolicies": []}, "want": "ImplicitlyDenied"},
		"across, without the resource policy": {"base": _across, "change": {"resourcePolicy": _grants("111122223333")}, "want": "ImplicitlyDenied"},
		"across, to the account": {"base": _across, "change": {"resourcePolicy": _grants("123456789012")}, "want": "Allowed"},
		"across, to everyone": {"base": _across, "change": {"resourcePolicy": _grants("*")}, "want": "Allowed"},
		"across, an open principal": {
			"base": _across,
			"change": {"resourcePolicy": _grants("arn:aws:iam::123456789012:role/app")},
			"want": "Undetermined",
		},
		"a Deny in the identity policy": {"base": _across, "change": {"identityPolicies": _named(_deny)}, "want": "ExplicitlyDenied"},
		"a Deny in the resource policy": {
			"base": _across,
			"change": {"resourcePolicy": _policy({"Effect": "Deny", "Principal": "*"})},
			"want": "ExplicitlyDenied",
		},
		"a Deny in the boundary": {"base": _across, "change": {"permissionBoundaries": _named(_deny)}, "want": "ExplicitlyDenied"},
		"a Deny in the session policy": {"base": _across, "change": {"sessionPolicy": _policy(_deny)}, "want": "ExplicitlyDenied"},
		"a Deny in an SCP": {"base": _across, "change": {"scps": _named(_deny)}, "want": "ExplicitlyDenied"},
		"a Deny in an RCP": {
			"base": _across,
			"change": {"rcps": _named({"Effect": "Deny", "Principal": "*"})},
			"want": "ExplicitlyDenied",
		},
		"an Allow in an RCP grants nothing": {
			"base": _across,
			"change": {"rcps": _named({"Principal": "*"}), "resourcePolicy": _grants("111122223333")},
			"want": "ImplicitlyDenied",
		},
		"an open Deny": {"base": _across, "change": {"scps": [{"name": "s", "policy": _unknown}]}, "want": "Undetermined"},
		"every level of the SCPs allows": {
			"base": _across,
			"change": {"scps": [
				{"orgIdentifier": "root", "policies": _named({})},
				{"orgIdentifier": "ou", "policies": array.concat(_named(_nothing), _named({"Action": "s3:*"}))},
			]},
			"want": "Allowed",
		},
		"one level of the SCPs does not": {
			"base": _across,
			"change": {"scps": [
				{"orgIdentifier": "root", "policies": _named({})},
				{"orgIdentifier": "ou", "policies": []},
			]},
			"want": "ImplicitlyDenied",
		},
		"no SCPs": {"base": _across, "change": {"scps": [], "rcps": []}, "want": "Allowed"},
		"limited by the boundary": {"base": _across, "change": {"permissionBoundaries": _named(_nothing)}, "want": "ImplicitlyDenied"},
		"limited by the session policy": {"base": _across, "change": {"sessionPolicy": _policy(_nothing)}, "want": "ImplicitlyDenied"},
		"within the limits": {
			"base": _across,
			"change": {"permissionBoundaries": _named({"Action": "s3:*"}), "sessionPolicy": _policy({"Action": "s3:*"})},
			"want": "Allowed",
		},
		"two boundaries that agree": {
			"base": _across,
			"change": {"permissionBoundaries": array.concat(_named({}), _named({}))},
			"want": "Allowed",
		},
		"two boundaries that agree not to": {
			"base": _across,
			"change": {"permissionBoundaries": array.concat(_named(_nothing), _named(_nothing))},
			"want": "ImplicitlyDenied",
		},
		"two boundaries that disagree": {
			"base": _across,
			"change": {"permissionBoundaries": array.concat(_named({}), _named(_nothing))},
			"want": "Undetermined",
		},
		"within, by the identity policy": {"base": _within, "change": {"resourcePolicy": _grants("111122223333")}, "want": "Allowed"},
		"within, to the session": {
			"base": _within,
			"change": {"identityPolicies": [], "permissionBoundaries": _named(_nothing), "sessionPolicy": _policy(_nothing)},
			"want": "Allowed",
		},
		"within, to the role": {
			"base": _within,
			"change": {"identityPolicies": [], "resourcePolicy": _grants("arn:aws:iam::123456789012:role/App")},
			"want": "Allowed",
		},
		"within, to the role, limited": {
			"base": _within,
			"change": {
				"permissionBoundaries": _named(_nothing),
				"resourcePolicy": _grants("arn:aws:iam::123456789012:role/App"),
			},
			"want": "ImplicitlyDenied",
		},
		"within, to the account": {
			"base": _within,
			"change": {"identityPolicies": [], "resourcePolicy": _grants("123456789012")},
			"want": "ImplicitlyDenied",
		},
		"within, neither": {
			"base": _within,
			"change": {"identityPolicies": [], "resourcePolicy": _grants("111122223333")},
			"want": "ImplicitlyDenied",
		},
		"a key that delegates": {"base": _key, "change": {"resourcePolicy": _grants("123456789012")}, "want": "Allowed"},
		"a key that does not delegate": {"base": _key, "change": {"resourcePolicy": _grants("111122223333")}, "want": "ImplicitlyDenied"},
		"a key that names the session": {"base": _key, "change": {"identityPolicies": []}, "want": "Allowed"},
		"a role that delegates": {"base": _role, "change": {"resourcePolicy": _grants("123456789012")}, "want": "Allowed"},
		"a role that does not delegate": {"base": _role, "change": {"resourcePolicy": _grants("111122223333")}, "want": "ImplicitlyDenied"},
		"a service": {
			"base": _by(_across, "lambda.amazonaws.com"),
			"change": {
				"identityPolicies": [],
				"scps": _named(_deny),
				"resourcePolicy": _policy({"Principal": {"Service": "lambda.amazonaws.com"}}),
			},
			"want": "Allowed",
		},
		"another service": {
			"base": _by(_across, "lambda.amazonaws.com"),
			"change": {"resourcePolicy": _policy({"Principal": {"Service": "sns.amazonaws.com"}})},
			"want": "ImplicitlyDenied",
		},
		"an anonymous caller": {
			"base": _by(_across, "anonymous"),
			"change": {"resourcePolicy": _policy({"Principal": "*"})},
			"want": "Allowed",
		},
		"an anonymous caller and the account": {
			"base": _by(_across, "anonymous"),
			"change": {"resourcePolicy": _grants("123456789012")},
			"want": "ImplicitlyDenied",
		},
		"who am I": {
			"base": _across,
			"change": {
				"request": object.union(_across.request, {"action": "sts:GetCallerIdentity"}),
				"identityPolicies": _named(_deny),
			},
			"want": "Allowed",
		},
		"an unknown principal": {"base": _by(_across, _unknown), "change": {}, "want": "Undetermined"},
		"an unknown resource": {
			"base": _across,
			"change": {"request": object.union(_across.request, {"resource": {"resource": _unknown, "accountId": "987654321098"}})},
			"want": "Undetermined",
		},
	}
	prepared := preparation.prepared_case with input as json.patch(case.base, [{"op": "add", "path": path, "value": value} |
		some key, value in case.change
		path := concat("", ["/", key])
	])
	evaluation.decision == case.want with input as prepared
}
