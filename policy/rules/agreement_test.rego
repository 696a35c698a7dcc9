package iam.agreement_test

import data.iam.agreement

_steps(stack, account, resources) := {"config": {"aws:allowedAccountIds": json.marshal([account])}, "steps": [
{"op": "same", "newState": object.union({"urn": sprintf("urn:pulumi:%s::p::%s::r%d", [stack, resource.type, i])}, resource)} |
	some i, resource in resources
]}

_allow(statement) := json.marshal({"Version": "2012-10-17", "Statement": object.union({"Effect": "Allow", "Action": "s3:GetObject"}, statement)})

_system(role, arn) := [
	_steps("a", "123456789012", [
		{"type": "aws:iam/role:Role", "inputs": {"name": role, "path": "/x/"}},
		{"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": role, "policy": _allow({"Resource": "arn:aws:s3:::b/*"})}},
	]),
	_steps("b", "987654321098", [{"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {
		"bucket": "b",
		"policy": _allow({"Principal": {"AWS": arn}, "Resource": "arn:aws:s3:::b/*"}),
	}}]),
]

test_one_sided if {
	count(agreement.one_sided) == 0 with input as _system("R", "arn:aws:iam::123456789012:role/x/R")
	[one] := agreement.one_sided with input as _system("R", "arn:aws:iam::123456789012:role/S")
	one.half == "bucket"
	one.witness.principal == "arn:aws:sts::123456789012:assumed-role/R/session"
}

test_strangers if {
	count(agreement.strangers) == 0 with input as _system("R", "arn:aws:iam::123456789012:role/x/R")
	[one] := agreement.strangers with input as _system("R", "arn:aws:iam::123456789012:role/R")
	one.near == "arn:aws:iam::123456789012:role/x/R"
}
