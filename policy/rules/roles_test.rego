package pulumi.roles_test

import data.pulumi.roles

_state(type, name, inputs) := {"urn": sprintf("urn:pulumi:s::p::%s::%s", [type, name]), "type": type, "inputs": inputs}

_file(states) := {"deployment": {"resources": states}}

_role(inputs) := _state("aws:iam/role:Role", "r", inputs)

test_a_role_that_is_there if {
	arn := "arn:aws:iam::123456789012:role/app/R"
	state := object.union(_role({"name": "R", "path": "/app/"}), {"outputs": {"arn": arn, "uniqueId": "AROAEXAMPLE"}})
	[role] := roles.found with input as _file([state])
	role == {
		"stack": "s", "urn": state.urn, "name": "R", "account": "123456789012", "arn": arn, "uniqueId": "AROAEXAMPLE",
		"managed": [], "boundary": "",
	}
}

test_a_role_to_be if {
	preview := {
		"config": {"aws:allowedAccountIds": `["123456789012"]`},
		"steps": [{"op": "create", "newState": _role({"path": "/app/", "permissionsBoundary": "arn:aws:iam::aws:policy/B"})}],
	}
	[role] := roles.found with input as preview
	role.arn == "arn:aws:iam::123456789012:role/app/r"
	role.uniqueId == ""
	role.boundary == "arn:aws:iam::aws:policy/B"
}

test_managed_policies if {
	attachment := _state("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", {"role": "R", "policyArn": "arn:aws:iam::aws:policy/P"})
	[role] := roles.found with input as _file([_role({"name": "R", "managedPolicyArns": ["arn:aws:iam::aws:policy/O"]}), attachment])
	role.managed == ["arn:aws:iam::aws:policy/O", "arn:aws:iam::aws:policy/P"]
	[other] := roles.found with input as _file([_role({"name": "Q"}), attachment])
	other.managed == []
}
