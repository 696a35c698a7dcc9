package pulumi.outputs_test

import data.pulumi.outputs

_arn := "arn:aws:iam::123456789012:role/R"

_exported := {"roleArn": _arn, "roleUniqueId": "AROANEW"}

# The state of a stack with a role that has the id AROANEW, and with these outputs.
_compute(exports) := _state("a", [
	{"type": "pulumi:pulumi:Stack", "outputs": exports},
	{"type": "aws:iam/role:Role", "inputs": {"name": "R"}, "outputs": {"arn": _arn, "uniqueId": "AROANEW"}},
])

# The state of a stack with the role, and a parameter that shares this.
_sharing(value) := _state("a", [
	{"type": "pulumi:pulumi:Stack", "outputs": {}},
	{"type": "aws:iam/role:Role", "inputs": {"name": "R"}, "outputs": {"arn": _arn, "uniqueId": "AROANEW"}},
	{"type": "aws:ssm/parameter:Parameter", "inputs": {"name": "/p", "insecureValue": value}},
])

_two_roles(exports) := _state("a", [
	{"type": "pulumi:pulumi:Stack", "outputs": exports},
	{"type": "aws:iam/role:Role", "inputs": {"name": "R"}, "outputs": {"arn": _arn, "uniqueId": "AROANEW"}},
	{"type": "aws:iam/role:Role", "inputs": {"name": "S"}, "outputs": {"arn": "arn:aws:iam::123456789012:role/S", "uniqueId": "AROAS"}},
])

# The state of a stack that has read these outputs of it.
_data(name, read) := _state("b", [{"type": "pulumi:pulumi:StackReference", "inputs": {"name": name}, "outputs": {"outputs": read}}])

_policy(trigger, principals) := _state("b", [{
	"type": "aws:s3/bucketPolicy:BucketPolicy",
	"replacementTrigger": trigger,
	"inputs": {"bucket": "b", "policy": json.marshal({"Statement": [
		{"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "s3:GetObject", "Resource": "*"},
		{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"},
	]})},
}])

_state(stack, resources) := {"deployment": {"resources": [object.union(
	{"urn": sprintf("urn:pulumi:%s::p::%s::resource-%d", [stack, resource.type, i])},
	resource,
) |
	some i, resource in resources
]}}

_messages(given) := [one.message | some one in messages] if messages := outputs.stale with input as given

test_what_agrees[name] if {
	some name, given in {
		"all": [_compute(_exported), _data("org/p/a", _exported)],
		"by the short name": [_compute(_exported), _data("a", _exported)],
		"another project of the same stack's name": [_compute(_exported), _data("org/other/a", {"roleArn": "x"})],
		"a stack that is not there": [_data("org/p/a", {"roleArn": "x"})],
		"other outputs": [_compute({"functionArn": "x"}), _data("org/p/a", {"vpcId": "y"})],
		"a policy for the role": [_compute(_exported), _policy("AROANEW", _arn)],
		"a policy that is not replaced": [_compute(_exported), _policy(null, _arn)],
		"a policy for others too, of whom nothing is known": [_compute(_exported), _policy("AROAOLD", [_arn, "arn:aws:iam::123456789012:role/S"])],
		"a stack without a role": [_state("a", [{"type": "pulumi:pulumi:Stack", "outputs": {"roleArn": ""}}])],
		"a role whose account is not known": [_state("a", [
			{"type": "pulumi:pulumi:Stack", "outputs": {"roleArn": _arn}},
			{"type": "aws:iam/role:Role", "inputs": {"name": "S"}},
		])],
		"a secret": [_compute({"roleArn": {"ciphertext": "x"}})],
		"a parameter with the role": _sharing(json.marshal(_exported)),
		"a parameter about something else": _sharing(json.marshal({"vpcId": "x"})),
		"a parameter that is no JSON": _sharing("x"),
		"a parameter that is not known yet": _sharing("04da6b54-80e4-46f7-96ec-b56ff0331ba9"),
		"the same state twice": [_compute(_exported), _compute(_exported), _data("org/p/a", _exported)],
	}
	_messages(given) == []
}

test_what_is_stale[name] if {
	some name, case in {
		"another role": {
			"given": _compute({"roleArn": "arn:aws:iam::123456789012:role/S"}),
			"want": [sprintf("The stack exports arn:aws:iam::123456789012:role/S as roleArn, but has %s", [_arn])],
		},
		"no role": {"given": _compute({"roleArn": ""}), "want": [sprintf("The stack exports nothing as roleArn, but has %s", [_arn])]},
		"null for a role": {"given": _compute({"roleArn": null}), "want": [sprintf("The stack exports nothing as roleArn, but has %s", [_arn])]},
		"an old id": {
			"given": _compute({"roleArn": _arn, "roleUniqueId": "AROAOLD"}),
			"want": ["The stack exports AROAOLD as roleUniqueId, but has AROANEW"],
		},
		"another role in a parameter": {
			"given": _sharing(json.marshal({"roleArn": "arn:aws:iam::123456789012:role/S"})),
			"want": [sprintf("The parameter shares arn:aws:iam::123456789012:role/S as roleArn, and there is %s", [_arn])],
		},
		"an old id in a parameter": {
			"given": _sharing(json.marshal({"roleArn": _arn, "roleUniqueId": "AROAOLD"})),
			"want": ["The parameter shares AROAOLD as roleUniqueId, and there is AROANEW"],
		},
		"an old id read": {
			"given": [_compute(_exported), _data("org/p/a", {"roleArn": _arn, "roleUniqueId": "AROAOLD"})],
			"want": ["The stack read AROAOLD as roleUniqueId of a, which has AROANEW"],
		},
		"nothing read": {
			"given": [_compute({"roleArn": _arn}), _data("a", {})],
			"want": [sprintf("The stack read nothing as roleArn of a, which has %s", [_arn])],
		},
		"another of the stack's roles": {
			"given": [_two_roles({"roleArn": _arn}), _data("org/p/a", {"roleArn": "arn:aws:iam::123456789012:role/S"})],
			"want": [sprintf("The stack read arn:aws:iam::123456789012:role/S as roleArn of a, which has %s", [_arn])],
		},
		"none of the stack's roles": {
			"given": [_two_roles({}), _data("org/p/a", {"roleUniqueId": "AROAOLD"})],
			"want": ["The stack read AROAOLD as roleUniqueId of a, which has AROANEW or AROAS"],
		},
		"a policy for an old id": {
			"given": [_compute(_exported), _policy("AROAOLD", _arn)],
			"want": ["AWS stored the policy for the role AROAOLD, which is gone: there is AROANEW now"],
		},
	}
	_messages(case.given) == case.want
}
