package pulumi.keys_test

import data.pulumi.keys

_arn := "arn:aws:kms:us-east-1:987654321098:key/1111-2222"

_role_arn := "arn:aws:iam::123456789012:role/R"

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

# The state of a stack in an account.
_state(stack, account, resources) := {"deployment": {"resources": [object.union(
	{"urn": sprintf("urn:pulumi:%s::p::%s::resource-%d", [stack, resource.type, i]), "provider": sprintf("urn:pulumi:%s::p::pulumi:providers:aws::resource-0::id", [stack])},
	resource,
) |
	some i, resource in array.concat([{"type": "pulumi:providers:aws", "inputs": {"allowedAccountIds": json.marshal([account])}}], resources)
]}}

_text(statements) := json.marshal({"Version": "2012-10-17", "Statement": statements})

_objects := {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::b/*"]}

_decrypt := {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": _arn}

_root := {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::987654321098:root"}, "Action": "kms:*", "Resource": "*"}

_to_role := {"Effect": "Allow", "Principal": {"AWS": _role_arn}, "Action": "kms:Decrypt", "Resource": "*"}

_role(account, statements) := _state("a", account, [
	{"type": "aws:iam/role:Role", "inputs": {"name": "R"}},
	{"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": "R", "policy": _text(statements)}},
])

_key(policy) := {"type": "aws:kms/key:Key", "inputs": policy, "outputs": {"arn": _arn}}

_encryption(id) := {
	"type": "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
	"inputs": {"bucket": "b", "rules": [{"applyServerSideEncryptionByDefault": object.union({"sseAlgorithm": "aws:kms"}, id)}]},
}

_data(id, resources) := _state("b", "987654321098", array.concat(resources, [
	{"type": "aws:s3/bucketV2:BucketV2", "inputs": {"bucket": "b"}},
	_encryption(id),
]))

_with_key(statements) := _data({"kmsMasterKeyId": _arn}, [_key({"policy": _text(statements)})])

_found(given) := {split(one.message, _arn)[1] | some one in found} if found := keys.refused with input as given

_by_role := ", but kms:Decrypt is not allowed by its own policies"

_by_key := ", but kms:Decrypt is not allowed by the key policy"

test_both_halves if {
	_found([_role("123456789012", [_objects, _decrypt]), _with_key([_root, _to_role])]) == set()
	_found([_role("123456789012", [_objects]), _with_key([_root, _to_role])]) == {_by_role}
	_found([_role("123456789012", [_objects, _decrypt]), _with_key([_root])]) == {_by_key}
	_found([_role("123456789012", [_objects]), _with_key([_root])]) == {_by_role, _by_key}
	_found([_role("123456789012", [_objects, _decrypt]), _data({"kmsMasterKeyId": _arn}, [_key({})])]) == {_by_key}
}

test_whole_message if {
	[one] := keys.refused with input as [_role("123456789012", [_objects]), _with_key([_root, _to_role])]
	one.message == sprintf("%s may use arn:aws:s3:::b, which is encrypted with %s%s", [_role_arn, _arn, _by_role])
	one.resource.urn == "urn:pulumi:a::p::aws:iam/role:Role::resource-1"
}

test_what_is_done_with_objects if {
	put := object.union(_objects, {"Action": "s3:PutObject"})
	generate := {", but kms:GenerateDataKey is not allowed by its own policies", ", but kms:GenerateDataKey is not allowed by the key policy"}
	_found([_role("123456789012", [put, _decrypt]), _with_key([_root, _to_role])]) == generate
	_found([_role("123456789012", [object.union(_objects, {"Action": "s3:DeleteObject"})]), _with_key([_root])]) == set()
	_found([_role("123456789012", [object.union(_objects, {"Resource": "arn:aws:s3:::b"})]), _with_key([_root])]) == set()
	_found([_role("123456789012", [object.union(_objects, {"Resource": "arn:aws:s3:::other/*"})]), _with_key([_root])]) == set()
	_found([_role("123456789012", [object.union(_objects, {"Effect": "Deny"})]), _with_key([_root])]) == set()
}

test_in_one_account if {
	_found([_role("987654321098", [_objects, _decrypt]), _with_key([_root])]) == set()
	_found([_role("987654321098", [_objects]), _with_key([_root])]) == {_by_role}
	to_role := object.union(_to_role, {"Principal": {"AWS": "arn:aws:iam::987654321098:role/R"}})
	_found([_role("987654321098", [_objects]), _with_key([to_role])]) == set()
	_found([_role("987654321098", [_objects, _decrypt]), _with_key([object.union(to_role, {"Action": "kms:Encrypt"})])]) == {_by_key}
}

test_conditions[name] if {
	some name, case in {
		"through S3": {"condition": {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}, "want": set()},
		"through another service": {"condition": {"StringEquals": {"kms:ViaService": "sqs.us-east-1.amazonaws.com"}}, "want": {_by_key}},
		"for objects of the bucket": {"condition": {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::b/a/*"}}, "want": set()},
		"for another bucket": {"condition": {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::c/*"}}, "want": {_by_key}},
		"the role's account": {"condition": {"StringEquals": {"kms:CallerAccount": "123456789012"}}, "want": set()},
		"another account": {"condition": {"StringEquals": {"kms:CallerAccount": "987654321098"}}, "want": {_by_key}},
		"an alias": {"condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/objects"}}, "want": set()},
		"another alias": {"condition": {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/x"}}, "want": {_by_key}},
		"an organization": {"condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, "want": set()},
	}
	to_role := object.union(_to_role, {"Principal": {"AWS": "123456789012"}, "Condition": case.condition})
	alias := {"type": "aws:kms/alias:Alias", "inputs": {"name": "alias/objects", "targetKeyId": "1111-2222"}}
	given := [
		_role("123456789012", [_objects, _decrypt]),
		_data({"kmsMasterKeyId": _arn}, [_key({"policy": _text([_root, to_role])}), alias]),
	]
	_found(given) == case.want
}

test_a_deny if {
	deny := object.union(_to_role, {"Effect": "Deny", "Principal": "*"})
	_found([_role("123456789012", [_objects, _decrypt]), _with_key([_root, _to_role, deny])]) == {_by_key}
	_found([_role("123456789012", [_objects, _decrypt, object.union(_decrypt, {"Effect": "Deny", "Resource": "*"})]), _with_key([_to_role])]) == {_by_role}
}

test_which_key[name] if {
	alias := {"type": "aws:kms/alias:Alias", "inputs": {"name": "alias/objects", "targetKeyId": _arn}}
	unknown_alias := {
		"type": "aws:kms/alias:Alias", "inputs": {"name": "alias/objects", "targetKeyId": _unknown},
		"propertyDependencies": {"targetKeyId": ["urn:pulumi:b::p::aws:kms/key:Key::resource-1"]},
	}
	some name, case in {
		"by its id": {"id": "1111-2222", "beside": alias},
		"by an alias": {"id": "alias/objects", "beside": alias},
		"by the ARN of an alias": {"id": "arn:aws:kms:us-east-1:987654321098:alias/objects", "beside": alias},
		"by an alias that does not know its key yet": {"id": "alias/objects", "beside": unknown_alias},
		"by nothing but that there is one": {"id": _unknown, "beside": alias},
	}
	given := [_role("123456789012", [_objects, _decrypt]), _data({"kmsMasterKeyId": case.id}, [_key({"policy": _text([_root])}), case.beside])]
	_found(given) == {_by_key}
}

test_what_it_comes_from if {
	encryption := object.union(_encryption({"kmsMasterKeyId": _unknown}), {"propertyDependencies": {"rules": ["urn:pulumi:b::p::aws:kms/key:Key::resource-2"]}})
	stored := _state("b", "987654321098", [
		{"type": "aws:kms/key:Key", "inputs": {}},
		{"type": "aws:kms/key:Key", "inputs": {"policy": _text([_root])}, "outputs": {"arn": _arn}},
		encryption,
	])
	_found([_role("123456789012", [_objects, _decrypt]), stored]) == {_by_key}
	without := _state("b", "987654321098", [
		{"type": "aws:kms/key:Key", "inputs": {}},
		{"type": "aws:kms/key:Key", "inputs": {}},
		_encryption({"kmsMasterKeyId": _unknown}),
	])
	_found([_role("123456789012", [_objects, _decrypt]), without]) == set()
}

test_a_key_that_is_not_there_yet if {
	stored := _data({"kmsMasterKeyId": _unknown}, [{"type": "aws:kms/key:Key", "inputs": {"policy": _text([_root, _to_role])}}])
	every resource in ["*", "arn:aws:kms:eu-west-1:987654321098:key/3333"] {
		count(keys.refused) == 0 with input as [_role("123456789012", [_objects, object.union(_decrypt, {"Resource": resource})]), stored]
	}
	every resource in ["arn:aws:kms:eu-west-1:111122223333:key/3333", "arn:aws:kms:eu-west-1:987654321098:alias/objects"] {
		count(keys.refused) == 1 with input as [_role("123456789012", [_objects, object.union(_decrypt, {"Resource": resource})]), stored]
	}
}

test_a_policy_of_its_own[name] if {
	some name, case in {
		"for the key": {"inputs": {"keyId": "1111-2222", "policy": _text([_root])}, "want": {_by_key}},
		"that lets the role": {"inputs": {"keyId": _arn, "policy": _text([_root, _to_role])}, "want": set()},
		"for nobody knows what": {"inputs": {"keyId": _unknown, "policy": _text([_root])}, "want": set()},
		"that is not known": {"inputs": {"keyId": _arn, "policy": _unknown}, "want": set()},
	}
	policy := {"type": "aws:kms/keyPolicy:KeyPolicy", "inputs": case.inputs}
	_found([_role("123456789012", [_objects, _decrypt]), _data({"kmsMasterKeyId": _arn}, [_key({}), policy])]) == case.want
}

test_the_key_of_aws if {
	every id in [{}, {"kmsMasterKeyId": "alias/aws/s3"}] {
		[one] := keys.refused with input as [_role("123456789012", [_objects]), _data(id, [])]
		endswith(one.message, "no other account can use it")
		count(keys.refused) == 0 with input as [_role("987654321098", [_objects]), _data(id, [])]
	}
}

test_an_older_bucket if {
	bucket := {"type": "aws:s3/bucket:Bucket", "inputs": {
		"bucket": "b",
		"serverSideEncryptionConfiguration": {"rule": {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": _arn}}},
	}}
	stored := _state("b", "987654321098", [bucket, _key({"policy": _text([_root])})])
	_found([_role("123456789012", [_objects, _decrypt]), stored]) == {_by_key}
}

test_what_is_not_known_of_the_role if {
	role := _state("a", "123456789012", [
		{"type": "aws:iam/role:Role", "inputs": {"name": "R"}},
		{"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": "R", "policy": _text([_objects])}},
		{"type": "aws:iam/rolePolicy:RolePolicy", "inputs": {"role": "R", "policy": _unknown}},
	])
	_found([role, _with_key([_root])]) == set()
}

test_too_much_to_try if {
	condition := {"StringLike": {key: [sprintf("%d", [value]) | some value in numbers.range(1, 12)] | some i in numbers.range(1, 4); key := sprintf("aws:PrincipalTag/%d", [i])}}
	_found([_role("123456789012", [_objects, _decrypt]), _with_key([object.union(_to_role, {"Condition": condition})])]) == set()
}
