package pulumi.access_test

import data.pulumi.access

_state(type) := {"urn": sprintf("urn:pulumi:s::p::%s::n", [type]), "type": type}

test_found if {
	types := ["aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy", "aws:cloudwatch/logGroup:LogGroup"]
	found := access.found with input as {"deployment": {"resources": [_state(type) | some type in types]}}
	[resource.type | some resource in found] == ["aws:iam/role:Role", "aws:iam/rolePolicy:RolePolicy"]
}
