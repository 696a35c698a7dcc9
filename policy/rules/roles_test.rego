package pulumi.roles_test

import data.pulumi.roles

_role := {"type": "aws:iam/role:Role", "inputs": {"name": "R", "path": "/x/"}}

_policy := json.marshal({"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}})

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

_urn(i, resource) := sprintf("urn:pulumi:s::p::%s::r%d", [resource.type, i])

_stack(account, resources) := {
	"config": {"aws:allowedAccountIds": json.marshal([account])},
	"steps": [{"op": "same", "newState": object.union({"urn": _urn(i, resource)}, resource)} | some i, resource in resources],
}

test_found[name] if {
	inline := {"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": "R", "policy": _policy}}
	managed := {"type": "aws:iam/policy:Policy", "inputs": {"policy": _policy}}
	attachment := {"type": "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "inputs": {"role": "R", "policyArn": _unknown}}
	attach_to_several := {"type": "aws:iam/policyAttachment:PolicyAttachment", "inputs": {"roles": ["R", "S"], "policyArn": _unknown}}
	some name, case in {
		"no policy": {"beside": [], "want": 0},
		"an inline policy": {"beside": [inline], "want": 1},
		"an inline policy in the role": {
			"role": object.union(_role, {"inputs": {"inlinePolicies": [{"name": "p", "policy": _policy}]}}),
			"beside": [],
			"want": 1,
		},
		"that of another role": {"beside": [object.union(inline, {"inputs": {"role": "S"}})], "want": 0},
		"of a role whose name is not known": {
			"beside": [object.union(inline, {"inputs": {"role": _unknown}, "propertyDependencies": {"role": [_urn(0, _role)]}})],
			"want": 1,
		},
		"a managed policy": {
			"beside": [managed, object.union(attachment, {"propertyDependencies": {"policyArn": [_urn(1, managed)]}})],
			"want": 1,
		},
		"a managed policy that has been made": {
			"beside": [
				object.union(managed, {"outputs": {"arn": "arn:aws:iam::123456789012:policy/p"}}),
				object.union(attachment, {"inputs": {"policyArn": "arn:aws:iam::123456789012:policy/p"}}),
			],
			"want": 1,
		},
		"a managed policy by the ARN that it will have": {
			"beside": [
				object.union(managed, {"inputs": {"name": "p", "path": "/x/", "policy": _policy}}),
				object.union(attachment, {"inputs": {"policyArn": "arn:aws:iam::123456789012:policy/x/p"}}),
			],
			"want": 1,
		},
		"a managed policy that is attached to several": {
			"beside": [managed, object.union(attach_to_several, {"propertyDependencies": {"policyArn": [_urn(1, managed)]}})],
			"want": 1,
		},
		"a managed policy that is attached to several others": {
			"beside": [managed, object.union(attach_to_several, {"inputs": {"roles": ["S"]}, "propertyDependencies": {"policyArn": [_urn(1, managed)]}})],
			"want": 0,
		},
		"a managed policy that the role says it has": {
			"role": object.union(_role, {"inputs": {"managedPolicyArns": ["arn:aws:iam::123456789012:policy/p"]}}),
			"beside": [object.union(managed, {"inputs": {"name": "p", "policy": _policy}})],
			"want": 1,
		},
		"a managed policy that is not attached": {"beside": [managed], "want": 0},
		"a policy of AWS": {"beside": [object.union(attachment, {"inputs": {"policyArn": "arn:aws:iam::aws:policy/A"}})], "want": 0},
	}
	[role] := roles.found with input as _stack("123456789012", array.concat([object.get(case, "role", _role)], case.beside))
	count(role.policies) == case.want
	role.arn == "arn:aws:iam::123456789012:role/x/R"
}

test_names_are_of_an_account if {
	inline := {"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": "R", "policy": _policy}}
	[role] := roles.found with input as [_stack("123456789012", [_role]), _stack("987654321098", [inline])]
	role.policies == []
}

_state(type, name, inputs) := {"urn": sprintf("urn:pulumi:s::p::%s::%s", [type, name]), "type": type, "inputs": inputs}

_file(states) := {"deployment": {"resources": states}}

_named_role(inputs) := _state("aws:iam/role:Role", "r", inputs)

test_a_role_that_is_there if {
	arn := "arn:aws:iam::123456789012:role/app/R"
	state := object.union(_named_role({"name": "R", "path": "/app/"}), {"outputs": {"arn": arn, "uniqueId": "AROAEXAMPLE"}})
	[role] := roles.found with input as _file([state])
	role == {
		"stack": "s", "urn": state.urn, "name": "R", "account": "123456789012", "arn": arn, "uniqueId": "AROAEXAMPLE",
		"policies": [], "managed": [], "boundary": "", "limits": [],
	}
}

test_a_role_to_be if {
	preview := {
		"config": {"aws:allowedAccountIds": `["123456789012"]`},
		"steps": [{"op": "create", "newState": _named_role({"path": "/app/", "permissionsBoundary": "arn:aws:iam::aws:policy/B"})}],
	}
	[role] := roles.found with input as preview
	role.arn == "arn:aws:iam::123456789012:role/app/r"
	role.uniqueId == ""
	role.boundary == "arn:aws:iam::aws:policy/B"
	role.limits == []
}

test_a_boundary_of_the_stacks if {
	arn := "arn:aws:iam::123456789012:policy/limit"
	limit := object.union(_state("aws:iam/policy:Policy", "limit", {"policy": _policy}), {"outputs": {"arn": arn}})
	[role] := roles.found with input as _file([
		_named_role({"name": "R", "permissionsBoundary": arn, "inlinePolicies": [{"name": "p", "policy": _policy}]}),
		limit,
	])
	[one] := role.limits
	one.urn == limit.urn
	[own] := role.policies
	own.urn != limit.urn
}

test_managed_policies if {
	attachment := _state("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", {"role": "R", "policyArn": "arn:aws:iam::aws:policy/P"})
	[role] := roles.found with input as _file([_named_role({"name": "R", "managedPolicyArns": ["arn:aws:iam::aws:policy/O"]}), attachment])
	role.managed == ["arn:aws:iam::aws:policy/O", "arn:aws:iam::aws:policy/P"]
	[other] := roles.found with input as _file([_named_role({"name": "Q"}), attachment])
	other.managed == []
}

test_a_role_without_a_path if {
	[role] := roles.found with input as _stack("123456789012", [{"type": "aws:iam/role:Role", "inputs": {"name": "R"}}])
	role.arn == "arn:aws:iam::123456789012:role/R"
}
