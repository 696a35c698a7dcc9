package pulumi.outputs_test

import data.pulumi.outputs

_arn := "arn:aws:iam::123456789012:role/R"

_outputs := {"roleArn": _arn, "roleUniqueId": "AROAEXAMPLE"}

_a(exported) := {"deployment": {"resources": [
	{"urn": "urn:pulumi:account-a::p::pulumi:pulumi:Stack::p-account-a", "type": "pulumi:pulumi:Stack", "outputs": exported},
	{
		"urn": "urn:pulumi:account-a::p::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "inputs": {"name": "R"},
		"outputs": {"arn": _arn, "uniqueId": "AROAEXAMPLE"},
	},
]}}

_b(read) := {"deployment": {"resources": [{
	"urn": "urn:pulumi:account-b::p::pulumi:pulumi:StackReference::organization/p/account-a", "type": "pulumi:pulumi:StackReference",
	"outputs": {"name": "organization/p/account-a", "outputs": read},
}]}}

_messages(given) := {one.message | some one in found} if found := outputs.stale with input as given

test_stale if {
	_messages([_a(_outputs), _b(_outputs)]) == set()
	_messages([_a({}), _b({})]) == set()
	_messages(_b(_outputs)) == set()
	_messages(_a({"roleArn": ""})) == {`The output roleArn is "", which no role of the stack has`}
	_messages(_a({"roleUniqueId": "AROAOTHER"})) == {`The output roleUniqueId is "AROAOTHER", which no role of the stack has`}
	_messages([_a(_outputs), _b(object.union(_outputs, {"roleUniqueId": "AROAOLD"}))]) == {`The stack has read the output roleUniqueId of organization/p/account-a as "AROAOLD", which is "AROAEXAMPLE" now`}
	count(_messages([_a(_outputs), _b({})])) == 2
	_messages(_a({"roleArn": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}})) == set()
}
