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

# The stack of a consumer, and a bucket that lets it in and nobody but the role R of account 123456789012, which no stack makes.
_consumer(own, beside, points) := [
	_steps("c", "111122223333", [
		{"type": "aws:iam/role:Role", "inputs": {"name": "C"}},
		{"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": "C", "policy": json.marshal({"Version": "2012-10-17", "Statement": own})}},
	]),
	_steps("b", "987654321098", array.concat(
		[{"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {
			"bucket": "b",
			"policy": json.marshal({"Version": "2012-10-17", "Statement": array.concat(
				[_statement({"Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}, "Resource": "arn:aws:s3:::b/*"})],
				beside,
			)}),
		}}],
		points,
	)),
]

_statement(more) := object.union({"Effect": "Allow", "Action": "s3:GetObject"}, more)

_c := {"AWS": "arn:aws:iam::111122223333:role/C"}

_point := "arn:aws:s3:eu-west-1:987654321098:accesspoint/c-point"

_delegation := _statement({
	"Principal": _c,
	"Action": ["s3:GetObject", "s3:ListBucket"],
	"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
	"Condition": {"StringEquals": {"s3:DataAccessPointAccount": "987654321098"}},
})

_through := {"StringEquals": {"s3:DataAccessPointArn": _point}}

_access_point(statements) := {"type": "aws:s3/accessPoint:AccessPoint", "inputs": {
	"name": "c-point",
	"bucket": "b",
	"policy": json.marshal({"Version": "2012-10-17", "Statement": statements}),
}}

_opened := _access_point([_statement({"Principal": _c, "Resource": concat("", [_point, "/object/in/*"])})])

_both_named := [
	_statement({"Resource": concat("", [_point, "/object/in/*"])}),
	_statement({"Resource": "arn:aws:s3:::b/in/*", "Condition": _through}),
]

test_consumers[name] if {
	some name, case in {
		"directly": {
			"own": [_statement({"Resource": "arn:aws:s3:::b/in/*"})], "points": [],
			"beside": [_statement({"Principal": _c, "Resource": "arn:aws:s3:::b/in/*"})], "want": [],
		},
		"directly, and more": {
			"own": [_statement({"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/in/*"})], "points": [],
			"beside": [_statement({"Principal": _c, "Resource": "arn:aws:s3:::b/in/*"})],
			"want": [["bucket", "s3:PutObject", "arn:aws:s3:::b/in/x", "bucket policy"]],
		},
		"through its access point": {"own": _both_named, "beside": [_delegation], "points": [_opened], "want": []},
		"through its access point, whose policy stands by itself": {
			"own": _both_named, "beside": [_delegation],
			"points": [
				{"type": "aws:s3/accessPoint:AccessPoint", "inputs": {"name": "c-point", "bucket": "b"}},
				{"type": "aws:s3control/accessPointPolicy:AccessPointPolicy", "inputs": {"accessPointArn": _point, "policy": _opened.inputs.policy}},
			],
			"want": [],
		},
		"without the delegation": {
			"own": _both_named, "beside": [], "points": [_opened],
			"want": [["bucket", "s3:GetObject", concat("", [_point, "/object/in/x"]), "bucket policy"]],
		},
		"without the access point in its own": {
			"own": [_statement({"Resource": "arn:aws:s3:::b/in/*", "Condition": _through})], "beside": [_delegation], "points": [_opened],
			"want": [["role", "s3:GetObject", concat("", [_point, "/object/in/x"]), "policy of the access point c-point"]],
		},
		"without the bucket in its own": {
			"own": [_statement({"Resource": concat("", [_point, "/object/in/*"])})], "beside": [_delegation], "points": [_opened],
			"want": [["role", "s3:GetObject", concat("", [_point, "/object/in/x"]), "policy of the access point c-point"]],
		},
		"more than the access point lets it": {
			"own": [
				_statement({"Action": "s3:ListBucket", "Resource": _point}),
				_statement({"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b", "Condition": _through}),
			],
			"beside": [_delegation], "points": [_access_point([_statement({"Principal": _c, "Effect": "Deny", "Resource": concat("", [_point, "/object/*"])})])],
			"want": [["bucket", "s3:ListBucket", _point, "policy of the access point c-point"]],
		},
		"an access point in another region": {
			"own": [
				_statement({"Resource": replace(concat("", [_point, "/object/in/*"]), "eu-west-1", "us-east-1")}),
				_statement({"Resource": "arn:aws:s3:::b/in/*"}),
			],
			"beside": [_delegation, _statement({"Principal": _c, "Resource": "arn:aws:s3:::b/in/*"})], "points": [_opened],
			"want": [
				["bucket", "s3:GetObject", replace(concat("", [_point, "/object/in/x"]), "eu-west-1", "us-east-1"), "policy of the access point c-point"],
				["role", "s3:GetObject", concat("", [_point, "/object/in/x"]), "policy of the access point c-point"],
			],
		},
		"from a VPC alone": {
			"own": [
				_statement({"Resource": concat("", [_point, "/object/in/*"]), "Condition": {"StringEquals": {"s3:AccessPointNetworkOrigin": "Internet"}}}),
				_statement({"Resource": "arn:aws:s3:::b/in/*", "Condition": _through}),
			],
			"beside": [_delegation],
			"points": [{"type": _opened.type, "inputs": object.union(_opened.inputs, {"vpcConfiguration": {"vpcId": "vpc-1"}})}],
			"want": [["role", "s3:GetObject", concat("", [_point, "/object/in/x"]), "policy of the access point c-point"]],
		},
	}
	found := agreement.one_sided with input as _consumer(case.own, case.beside, case.points)
	{[one.half, one.action, one.witness.resource, one.policy] | some one in found} == {want | some want in case.want}
}

test_strangers_beside_consumers[name] if {
	account_a := _steps("a", "123456789012", [{"type": "aws:iam/role:Role", "inputs": {"name": "R"}}])
	some name, case in {
		"of a stack that is not given": {"names": ["arn:aws:iam::123456789012:role/R", "arn:aws:iam::123456789012:role/Other"], "want": []},
		"of the same name, elsewhere": {"names": ["arn:aws:iam::123456789012:role/R", "arn:aws:iam::111122223333:role/R"], "want": []},
		"of another account": {"names": ["arn:aws:iam::123456789012:role/R", "arn:aws:iam::111122223333:role/C"], "want": []},
		"of the same name but for its case, in the account": {
			"names": ["arn:aws:iam::123456789012:role/R", "arn:aws:iam::123456789012:role/x/r"],
			"want": [["arn:aws:iam::123456789012:role/x/r", "arn:aws:iam::123456789012:role/R"]],
		},
		"in place of the role": {"names": ["arn:aws:iam::123456789012:role/Other"], "want": [["arn:aws:iam::123456789012:role/Other", ""]]},
		"nearly the role": {"names": ["arn:aws:iam::111122223333:role/r"], "want": [["arn:aws:iam::111122223333:role/r", "arn:aws:iam::123456789012:role/R"]]},
	}
	found := agreement.strangers with input as [account_a, _steps("b", "987654321098", [{"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {
		"bucket": "b",
		"policy": _allow({"Principal": {"AWS": case.names}, "Resource": "arn:aws:s3:::b/*"}),
	}}])]
	[[one.named, one.near] | some one in found] == case.want
}

# Which actions are one-sided, and which half lacks them, by what the two halves say.
_halves(role, bucket, limit) := {concat(" ", [one.half, one.action]) | some one in found} if {
	both := ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]
	boundary := concat(":", ["arn:aws:iam:", "123456789012", "policy/limit"])
	found := agreement.one_sided with input as [
		_steps("a", "123456789012", array.concat(
			[
				{"type": "aws:iam/role:Role", "inputs": object.union({"name": "R"}, {{}: {}, limit: {"permissionsBoundary": boundary}}[limit])},
				{"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": "R", "policy": _policy([object.union({"Resource": both}, one) | some one in role])}},
			],
			[{"type": "aws:iam/policy:Policy", "inputs": {"name": "limit", "policy": _allow(limit)}} | limit != {}],
		)),
		_steps("b", "987654321098", [{"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {
			"bucket": "b",
			"policy": _policy([object.union({"Resource": both, "Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}}, one) | some one in bucket]),
		}}]),
	]
}

_policy(statements) := json.marshal({"Version": "2012-10-17", "Statement": [object.union({"Effect": "Allow"}, one) | some one in statements]})

_get := {"Action": "s3:GetObject"}

_get_and_put := {"Action": ["s3:GetObject", "s3:PutObject"]}

_list_under(prefix) := {"Action": "s3:ListBucket", "Condition": {"StringLike": {"s3:prefix": prefix}}}

test_halves[name] if {
	some name, case in {
		"the same": {"role": [_get_and_put], "bucket": [_get, {"Action": "S3:putobject"}], "want": set()},
		"the bucket lacks one": {"role": [_get_and_put], "bucket": [_get], "want": {"bucket s3:PutObject"}},
		"the role lacks one": {"role": [_get], "bucket": [_get_and_put], "want": {"role s3:PutObject"}},
		"another prefix": {"role": [_list_under("a/*")], "bucket": [_list_under("c/*")], "want": {"bucket s3:ListBucket", "role s3:ListBucket"}},
		"a prefix on one side": {"role": [_list_under("a/*")], "bucket": [{"Action": "s3:ListBucket"}], "want": {"role s3:ListBucket"}},
		"everything of every bucket": {"role": [{"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}], "bucket": [_get], "want": {"bucket s3:PutObject"}},
		"every bucket that begins so": {"role": [{"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b*"}], "bucket": [_get], "want": set()},
		"another bucket that begins so": {"role": [_get, {"Action": "s3:PutObject", "Resource": "arn:aws:s3:::c*"}], "bucket": [_get], "want": set()},
		"actions of a service that is not known": {"role": [_get, {"Action": "ec2:DescribeSubnets", "Resource": "*"}], "bucket": [_get], "want": set()},
		"an action that there is not": {"role": [_get, {"Action": "s3:Fetch"}], "bucket": [_get], "want": {"bucket s3:Fetch"}},
	}
	_halves(case.role, case.bucket, {}) == case.want
}

# What a condition says of the caller and its surroundings can be so; what it says of the account and of the bucket is so, or is not.
test_conditions_of_one_half[name] if {
	some name, case in {
		"an organization": {"bucket": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, "want": set()},
		"an endpoint": {"role": {"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "want": set()},
		"two endpoints": {
			"role": {"StringEquals": {"aws:SourceVpce": "vpce-1"}},
			"bucket": {"StringEquals": {"aws:SourceVpce": "vpce-2"}},
			"want": {"bucket s3:GetObject", "role s3:GetObject"},
		},
		"the bucket's account": {"role": {"StringEquals": {"aws:ResourceAccount": "987654321098", "s3:ResourceAccount": "987654321098"}}, "want": set()},
		"another account": {"role": {"StringEquals": {"aws:ResourceAccount": "111122223333"}}, "want": {"role s3:GetObject"}},
		"no service": {"bucket": {"Bool": {"aws:PrincipalIsAWSService": "false", "aws:ViaAWSService": "false"}}, "want": set()},
		"what the caller has to send": {"bucket": {"StringEquals": {"s3:x-amz-acl": "private"}}, "want": {"bucket s3:GetObject"}},
	}
	_halves(
		[object.union(_get, {"Condition": object.get(case, "role", {})})],
		[object.union(_get, {"Condition": object.get(case, "bucket", {})})],
		{},
	) == case.want
}

test_what_a_half_denies[name] if {
	everybody := {"Effect": "Deny", "Principal": "*", "Action": "s3:*"}
	some name, case in {
		"everything": {"deny": {}, "want": {"bucket s3:GetObject"}},
		"plain http": {"deny": {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, "want": set()},
		"other accounts": {"deny": {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": "987654321098"}}}, "want": {"bucket s3:GetObject"}},
		"other accounts than both": {"deny": {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": ["987654321098", "123456789012"]}}}, "want": set()},
		"other networks": {"deny": {"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}}, "want": set()},
		"what is not asked for so": {"deny": {"Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}}, "want": set()},
		"another role": {"deny": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/S"}}, "want": set()},
	}
	_halves([_get], [_get, object.union(everybody, case.deny)], {}) == case.want
}

test_a_boundary_takes_part if {
	_halves([_get_and_put], [_get_and_put], {"Action": "s3:Get*", "Resource": "*"}) == {"role s3:PutObject"}
	_halves([_get_and_put], [_get_and_put], {"Action": "s3:*", "Resource": "*"}) == set()
}

test_a_role_that_a_condition_names if {
	named := {"Principal": {"AWS": "*"}, "Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/R"}}}
	_halves([_get], [object.union(_get_and_put, named)], {}) == {"role s3:PutObject"}
	_halves([_get], [object.union(_get, named)], {}) == set()
}
