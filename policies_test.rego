package policies_test

import data.policies

# The findings about a bucket in account 987654321098 with a policy of these statements, as "rule severity".
_bucket(statements) := _found(_preview("account-b", "987654321098", array.concat(_hard("b"), [
	{"type": "aws:s3/bucketV2:BucketV2", "inputs": {"bucket": "b"}},
	_policy("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}, "policy", statements),
])))

# What a bucket has to have besides a policy.
_hard(name) := [
	{"type": "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", "inputs": {"bucket": name, "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true}},
	{"type": "aws:s3/bucketOwnershipControls:BucketOwnershipControls", "inputs": {"bucket": name, "rule": {"objectOwnership": "BucketOwnerEnforced"}}},
	{"type": "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2", "inputs": {"bucket": name}},
	{"type": "aws:s3/bucketVersioningV2:BucketVersioningV2", "inputs": {"bucket": name, "versioningConfiguration": {"status": "Enabled"}}},
]

_found(given) := {concat(" ", [found.rule, found.severity]) | some found in found_in} if {
	found_in := policies.finding with input as given
}

_preview(stack, account, resources) := {
	"config": {"aws:allowedAccountIds": json.marshal([account])},
	"steps": [{"op": "create", "newState": object.union(
		{"urn": sprintf("urn:pulumi:%s::project::%s::resource-%d", [stack, resource.type, i])},
		resource,
	)} |
		some i, resource in resources
	],
	"changeSummary": {"create": count(resources)},
}

_policy(type, inputs, property, statements) := {
	"type": type,
	"inputs": object.union(inputs, {property: json.marshal({"Version": "2012-10-17", "Statement": statements})}),
}

# A bucket policy that is as it should be but for what is put in its place.
_secure := [_plain, _old]

_plain := {
	"Sid": "Plain", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": _all,
	"Condition": {"Bool": {"aws:SecureTransport": "false"}},
}

_old := {
	"Sid": "Old", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": _all,
	"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
}

_all := ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]

_grant := {
	"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/R"},
	"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*",
}

_with(statement, change) := object.union(object.remove(statement, _replaced(change)), change)

# object.union merges objects; what is changed here takes the place of what was there.
_replaced(change) := object.keys(change) | {other |
	some [key, other] in [["NotPrincipal", "Principal"], ["NotAction", "Action"], ["NotResource", "Resource"]]
	change[key]
}

_if(condition) := _with(_grant, {"Principal": "*", "Condition": condition})

test_a_good_bucket_policy_has_no_findings if {
	_bucket(array.concat(_secure, [_grant])) == set()
}

test_wildcard_principals[name] if {
	some name, case in {
		"star": {"statement": {"Principal": "*"}, "severity": "critical"},
		"AWS star": {"statement": {"Principal": {"AWS": "*"}}, "severity": "critical"},
		"star in a list": {"statement": {"Principal": {"AWS": ["arn:aws:iam::123456789012:role/R", "*"]}}, "severity": "critical"},
		"root of any account": {"statement": {"Principal": {"AWS": "arn:aws:iam::*:root"}}, "severity": "critical"},
		"any service": {"statement": {"Principal": {"Service": "*"}}, "severity": "critical"},
		"everybody but one": {"statement": {"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:role/R"}}, "severity": "critical"},
		"https alone": _condition({"Bool": {"aws:SecureTransport": "true"}}, "critical"),
		"new TLS alone": _condition({"NumericGreaterThanEquals": {"s3:TlsVersion": "1.2"}}, "critical"),
		"an organization": _condition({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, "medium"),
		"an organization, if there is one": _condition({"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}, "critical"),
		"any organization": _condition({"StringLike": {"aws:PrincipalOrgID": "o-*"}}, "critical"),
		"other organizations": _condition({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, "critical"),
		"some organization": _condition({"Null": {"aws:PrincipalOrgID": "false"}}, "critical"),
		"a path of an organization": _condition({"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}, "medium"),
		"a path, vacuous": _condition({"ForAllValues:StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}, "critical"),
		"an account": _condition({"StringEquals": {"aws:PrincipalAccount": "123456789012"}}, "medium"),
		"a role": _condition({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/R"}}, "medium"),
		"a role of any account": _condition({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/R"}}, "critical"),
		"any text as ARN": _condition({"StringLike": {"aws:PrincipalArn": "*"}}, "critical"),
		"a tag, which anybody can set": _condition({"StringEquals": {"aws:PrincipalTag/team": "a"}}, "critical"),
		"a user id": _condition({"StringLike": {"aws:userid": "AROAABCDEFGHIJKLMNOPQ:*"}}, "medium"),
		"an endpoint": _condition({"StringEquals": {"aws:SourceVpce": "vpce-1"}}, "medium"),
		"any endpoint": _condition({"StringLike": {"aws:SourceVpce": "vpce-*"}}, "critical"),
		"a network": _condition({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, "medium"),
		"a source account": _condition({"StringEquals": {"aws:SourceAccount": "123456789012"}}, "medium"),
		"a service's source": _with_service({"StringEquals": {"aws:SourceAccount": "123456789012"}}, "medium"),
		"a service's source bucket": _with_service({"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::b"}}, "medium"),
		"a service's any source": _with_service({"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:*:t"}}, "critical"),
		"services, which act for anybody": _condition({"Bool": {"aws:PrincipalIsAWSService": "true"}}, "critical"),
		"one service by its name": _condition({"StringEquals": {"aws:PrincipalServiceName": "logging.s3.amazonaws.com"}}, "critical"),
		"one service for an account": _condition({"StringEquals": {"aws:PrincipalServiceName": "logging.s3.amazonaws.com", "aws:SourceAccount": "123456789012"}}, "medium"),
		"a service's names, not for people": _condition({"Null": {"aws:PrincipalServiceName": "true"}}, "critical"),
		"through one service, as anybody can": _condition({"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}}, "critical"),
		"through services": _condition({"Bool": {"aws:ViaAWSService": "true"}}, "critical"),
		"plain http, which is denied": _condition({"Bool": {"aws:SecureTransport": "false"}}, "medium"),
		"the name of a session": _condition({"StringLike": {"aws:userid": "*:admin"}}, "critical"),
		"access points of an account": _condition({"StringEquals": {"s3:DataAccessPointAccount": "987654321098"}}, "medium"),
		"an access point": _condition({"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:us-east-1:987654321098:accesspoint/*"}}, "medium"),
		"access points of anybody": _condition({"StringLike": {"s3:DataAccessPointArn": "arn:aws:s3:*:*:accesspoint/a"}}, "critical"),
		"the caller of a key": _condition({"StringEquals": {"kms:CallerAccount": "123456789012"}}, "medium"),
		"addresses": _condition({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "high"),
		"example addresses": _condition({"IpAddress": {"aws:SourceIp": ["198.51.100.0/24", "2001:db8::/32"]}}, "high"),
		"private addresses": _condition({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, "medium"),
		"all addresses in two halves": _condition({"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}, "critical"),
		"all addresses but some": _condition({"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}, "critical"),
		"a page": _condition({"StringLike": {"aws:Referer": "https://example.com/*"}}, "high"),
		"a browser": _condition({"StringEquals": {"aws:UserAgent": "secret"}}, "high"),
		"the bucket's own account": _condition({"StringEquals": {"aws:ResourceAccount": "987654321098"}}, "critical"),
		"a folder": _condition({"StringLike": {"s3:prefix": "a/*"}}, "critical"),
		"a day": _condition({"DateGreaterThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}, "critical"),
		"a number": _condition({"NumericLessThan": {"s3:max-keys": "10"}}, "critical"),
		"an odd number": _condition({"NumericLessThan": {"s3:max-keys": "ten"}}, "critical"),
		"two things together": _condition({"StringEquals": {"aws:PrincipalOrgID": "o-1", "aws:Referer": "r"}}, "medium"),
		"one of two": _condition({"StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]}}, "medium"),
	}
	statement := _with(_with(_grant, {"Principal": "*"}), case.statement)
	_bucket(array.concat(_secure, [statement])) == {sprintf("wildcard-principal %s", [case.severity])}
}

_condition(condition, severity) := {"statement": {"Condition": condition}, "severity": severity}

_with_service(condition, severity) := {"statement": {"Condition": condition, "Principal": {"Service": "*"}}, "severity": severity}

test_a_deny_can_bound_a_wildcard if {
	deny := {
		"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
		"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}},
	}
	_bucket(array.concat(_secure, [_with(_grant, {"Principal": "*"}), deny])) == {"wildcard-principal medium"}
	_bucket(array.concat(_secure, [_with(_grant, {"Principal": "*"}), _with(deny, {"Action": "s3:PutObject"})])) == {"wildcard-principal critical"}
	_bucket(array.concat(_secure, [
		_with(_grant, {"Principal": "*", "Action": "s3:Get*"}),
		_with(deny, {"Action": "s3:GetObject", "Condition": {}}),
	])) == {"wildcard-principal critical", "broad-actions medium"}
}

test_a_deny_for_everybody_is_no_finding if {
	_bucket(array.concat(_secure, [_with(_grant, {"Effect": "Deny", "Principal": "*"})])) == set()
}

test_open_to_everybody_by_a_pattern if {
	_bucket(array.concat(_secure, [_with(_grant, {"Principal": "*", "Action": "s3:GetObject*", "Resource": ["arn:aws:s3:::b/*"]})])) == {"wildcard-principal critical", "broad-actions medium"}
	_trust("*") == {"wildcard-principal critical"}
}

test_without_actions_and_resources if {
	_bucket(array.concat(_secure, [_with(_grant, {"Principal": "*", "NotAction": "s3:GetObject"})])) == {"wildcard-principal critical", "broad-actions critical"}
	_bucket(array.concat(_secure, [_with(_grant, {"Principal": "*", "NotResource": "arn:aws:s3:::b/private/*"})])) == {"wildcard-principal critical", "broad-resources medium"}
}

test_a_witness_gets_through if {
	given := _preview("account-b", "987654321098", [_policy(
		"aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}, "policy",
		array.concat(_secure, [_with(_grant, {"Sid": "Open", "Principal": "*"})]),
	)])
	[found] := [found | some found in policies.finding] with input as given
	found.witness == {
		"principal": "anonymous", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/x",
		"context": {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"},
	}
	found.statement == {"index": 2, "sid": "Open"}
	found.stack == "account-b"
	found.blocking
	found.docs == "docs/rules.md#wildcard-principal"
}

test_principals[name] if {
	some name, case in {
		"another account": {"principal": {"AWS": "123456789012"}, "want": {"account-principal medium"}},
		"another account's root": {"principal": {"AWS": ["arn:aws:iam::123456789012:root"]}, "want": {"account-principal medium"}},
		"the own account": {"principal": {"AWS": "987654321098"}, "want": set()},
		"a session": {"principal": {"AWS": "arn:aws:sts::123456789012:assumed-role/R/s"}, "want": set()},
		"a role that is gone": {"principal": {"AWS": "AROAABCDEFGHIJKLMNOPQ"}, "want": {"dead-principal high"}},
		"a user that is gone": {"principal": {"AWS": "AIDAABCDEFGHIJKLMNOPQ"}, "want": {"dead-principal high"}},
		"a service": {"principal": {"Service": "cloudtrail.amazonaws.com"}, "want": {"confused-deputy medium"}},
		"a canonical user": {"principal": {"CanonicalUser": "abc"}, "want": set()},
	}
	_bucket(array.concat(_secure, [_with(_grant, {"Principal": case.principal})])) == case.want
}

test_a_deny_for_somebody_who_is_gone if {
	deny := _with(_plain, {"Principal": {"AWS": "AROAABCDEFGHIJKLMNOPQ"}})
	_bucket(array.concat(_secure, [deny])) == {"dead-principal high"}
}

test_secure_transport[name] if {
	some name, statements in {
		"no TLS, so no version of it": [_with(_old, {"Condition": {"NumericLessThanIfExists": {"s3:TlsVersion": "1.2"}}})],
		"IfExists": [_with(_plain, {"Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}}})],
		"JSON false": [_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": false}}})],
		"in a list": [_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": ["false"]}}})],
		"other letters": [_with(_plain, {"Action": "S3:*", "Condition": {"Bool": {"AWS:securetransport": "false"}}})],
		"AWS star": [_with(_plain, {"Principal": {"AWS": ["*"]}})],
		"every action": [_with(_plain, {"Action": "*"})],
		"every resource": [_with(_plain, {"Resource": "*"})],
		"a pattern over both": [_with(_plain, {"Resource": "arn:aws:s3:::b*"})],
		"text": [_with(_plain, {"Condition": {"StringEquals": {"aws:SecureTransport": "false"}}})],
		"not true": [_with(_plain, {"Condition": {"StringNotEquals": {"aws:SecureTransport": "true"}}})],
		"everybody denied": [_with(_plain, {"Condition": {}})],
		"bucket and objects apart": [_with(_plain, {"Resource": "arn:aws:s3:::b"}), _with(_plain, {"Resource": "arn:aws:s3:::b/*"})],
		"two halves of callers": [
			_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
			_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}}),
		],
		"reading and the rest": [_with(_plain, {"Action": "s3:Get*"}), _with(_plain, {"NotAction": "s3:Get*"})],
	}
	_bucket(array.concat([_old, _grant], statements)) == set()
}

test_no_secure_transport[name] if {
	some name, statements in {
		"no Deny": [],
		"an Allow over https": [_with(_grant, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}})],
		"objects alone": [_with(_plain, {"Resource": "arn:aws:s3:::b/*"})],
		"the bucket alone": [_with(_plain, {"Resource": "arn:aws:s3:::b"})],
		"a folder": [_with(_plain, {"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/a/*"]})],
		"another bucket": [_with(_plain, {"Resource": ["arn:aws:s3:::c", "arn:aws:s3:::c/*"]})],
		"one principal": [_with(_plain, {"Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}})],
		"one account": [_with(_plain, {"Principal": {"AWS": "123456789012"}})],
		"all but one": [_with(_plain, {"NotPrincipal": {"AWS": ["arn:aws:sts::123456789012:assumed-role/R/session", "arn:aws:iam::123456789012:role/R", "arn:aws:iam::123456789012:root"]}})],
		"reading": [_with(_plain, {"Action": "s3:Get*"})],
		"all but reading": [_with(_plain, {"NotAction": "s3:GetObject"})],
		"all but a folder": [_with(_plain, {"NotResource": "arn:aws:s3:::b/a/*"}), _with(_plain, {"Resource": "arn:aws:s3:::b"})],
		"an address besides": [_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}})],
		"another key besides": [_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "Null": {"aws:Referer": "true"}}})],
		"a day besides": [_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "DateGreaterThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"}}})],
		"several values besides": [_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}})],
		"the other value": [_with(_plain, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}})],
		"another key": [_with(_plain, {"Condition": {"Bool": {"aws:SecureTransports": "false"}}})],
		"a missing key": [_with(_plain, {"Condition": {"Null": {"aws:SecureTransport": "true"}}})],
	}
	"secure-transport high" in _bucket(array.concat([_old, _grant], statements))
}

test_tls_version if {
	_bucket([_plain, _grant]) == {"tls-version medium"}
	_bucket([_plain, _grant, _with(_old, {"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.1"}}})]) == {"tls-version medium"}
	_bucket([_plain, _grant, _with(_old, {"Condition": {"NumericLessThan": {"s3:TlsVersion": 1.3}}})]) == set()
}

test_queues_and_topics if {
	deny := {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
	_found(_preview("a", "987654321098", [_policy("aws:sqs/queuePolicy:QueuePolicy", {}, "policy", [deny])])) == set()
	topic := "aws:sns/topicPolicy:TopicPolicy"
	_found(_preview("a", "987654321098", [_policy(topic, {}, "policy", [deny])])) == {"secure-transport high"}
	_found(_preview("a", "987654321098", [_policy(topic, {}, "policy", [_with(deny, {"Action": "sns:*"})])])) == set()
}

test_a_bucket_without_a_policy if {
	bucket := {"type": "aws:s3/bucketV2:BucketV2", "inputs": {"bucket": "b"}}
	other := _policy("aws:iam/rolePolicy:RolePolicy", {"role": "r"}, "policy", [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}])
	_found(_preview("a", "987654321098", array.concat(_hard("b"), [bucket, other]))) == {"missing-policy high"}
	unnamed := {"type": "aws:s3/bucket:Bucket", "inputs": {}}
	after := {"propertyDependencies": {"bucket": ["urn:pulumi:a::project::aws:s3/bucket:Bucket::resource-0"]}}
	hard := [object.union(one, after) | some one in _hard("04da6b54-80e4-46f7-96ec-b56ff0331ba9")]
	_found(_preview("a", "987654321098", array.concat([unnamed, other], hard))) == {"missing-policy high"}
	_found(_preview("a", "987654321098", [bucket, other])) == {"missing-policy high", "bucket-hardening medium", "bucket-hardening low"}
}

# The findings about what a role's own policy allows.
_role(statement) := _found(_preview("account-a", "123456789012", [_policy(
	"aws:iam/rolePolicy:RolePolicy", {"name": "p", "role": "R"}, "policy",
	[object.union({"Effect": "Allow", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}, statement)],
)]))

test_actions[name] if {
	some name, case in {
		"named": {"action": ["s3:GetObject", "s3:PutObject"], "want": set()},
		"everything": {"action": "*", "want": {"broad-actions critical"}},
		"everything of everything": {"action": "*:*", "want": {"broad-actions critical"}},
		"all of a service": {"action": "s3:*", "want": {"broad-actions critical"}},
		"in other letters": {"action": "S3:PUT*", "want": {"broad-actions critical"}},
		"writing": {"action": "s3:PutObject*", "want": {"broad-actions critical"}},
		"writing, no permissions": {"action": "s3:PutObjectT*", "want": {"broad-actions high"}},
		"nothing that is done there": {"action": "sqs:SendM*", "want": {"broad-actions high", "misplaced-action medium"}},
		"reading": {"action": "s3:GetObject*", "want": {"broad-actions medium"}},
		"one letter": {"action": "s3:GetObjec?", "want": {"broad-actions medium"}},
		"a service that hands out permissions": {"action": "sso:*", "want": {"broad-actions critical"}},
		"a service of no catalogue": {"action": "rekognition:*", "want": {"broad-actions high"}},
		"permissions": {"action": "s3:PutBucketPolicy", "want": {"control-actions high"}},
		"permissions, in other letters": {"action": "S3:putbucketpolicy", "want": {"control-actions high"}},
		"a role's policy": {"action": "iam:PutRolePolicy", "want": {"control-actions high", "misplaced-action medium"}},
		"the policy of a repository": {"action": "ecr:SetRepositoryPolicy", "want": {"control-actions high"}},
	}
	_role({"Action": case.action}) == case.want
}

test_what_comes_to_more_together if {
	statement := {"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": "arn:aws:iam::123456789012:role/S"}
	_found(_preview("account-a", "123456789012", [
		{"type": "aws:iam/role:Role", "inputs": {"name": "R"}},
		_policy("aws:iam/rolePolicy:RolePolicy", {"name": "p", "role": "R"}, "policy", [statement]),
	])) == {"privilege-escalation high"}
}

test_what_a_role_may_pass_or_deny if {
	_role({"Action": "iam:PassRole", "Resource": "arn:aws:iam::123456789012:role/R"}) == set()
	_role({"Action": "iam:PassRole", "Resource": ["arn:aws:iam::123456789012:role/*"]}) == {"control-actions high"}
	_role({"Action": "iam:PassRole", "Resource": "*"}) == {"control-actions high", "broad-resources medium"}
	_role({"Effect": "Deny", "Action": "*"}) == set()
	_role({"NotAction": "iam:*"}) == {"broad-actions critical"}
}

# The policy of a key has to leave it to its own account.
test_a_key_delegates if {
	key := "aws:kms/key:Key"
	statement := {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::987654321098:root"}, "Action": "kms:*", "Resource": "*"}
	_found(_preview("b", "987654321098", [_policy(key, {}, "policy", [statement])])) == set()
	_found(_preview("b", "123456789012", [_policy(key, {}, "policy", [statement])])) == {"account-principal medium", "broad-actions critical"}
	service := _with(statement, {"Principal": {"Service": "logs.us-east-1.amazonaws.com"}})
	_found(_preview("b", "987654321098", [_policy(key, {}, "policy", [service])])) == {"broad-actions critical", "confused-deputy medium"}
}

_trust(principal) := _found(_preview("a", "123456789012", [_policy(
	"aws:iam/role:Role", {"name": "R"}, "assumeRolePolicy",
	{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", "Sid": "Trust"},
)]))

test_trust_policies if {
	_trust({"Service": "lambda.amazonaws.com"}) == set()
	_trust("*") == {"wildcard-principal critical"}
	_trust({"AWS": "987654321098"}) == {"account-principal medium"}
	_trust({"Federated": "*"}) == {"wildcard-principal critical"}
}

test_what_could_not_be_judged[name] if {
	some name, text in {
		"not known yet": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
		"a secret": "[secret]",
		"an encrypted secret": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"},
		"no JSON": "{",
		"no policy": `{"Statement": 5}`,
		"without principal": `{"Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}`,
	}
	_found(_preview("b", "987654321098", [{"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {"bucket": "b", "policy": text}}])) == {"undetermined high"}
}

test_too_much_to_try if {
	many := {key: [value | some n in numbers.range(1, 9); value := sprintf("%d", [n])] |
		some i in numbers.range(1, 4)
		key := sprintf("aws:PrincipalTag/%d", [i])
	}
	_bucket([_old, _with(_plain, {"Condition": {"StringEquals": many}})]) == {"too-complex high"}
	_bucket([_plain, _with(_old, {"Condition": {"StringEquals": many}})]) == {"too-complex high"}
	_bucket(array.concat(_secure, [_with(_plain, {"Condition": {"StringEquals": many}})])) == set()
}

test_what_is_not_whole if {
	whole := _preview("b", "987654321098", [_policy("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}, "policy", _secure)])
	_found(whole) == set()
	_found(object.union(whole, {"diagnostics": [{"severity": "error", "message": "m"}]})) == {"incomplete-preview high"}
	_found(object.union(whole, {"diagnostics": [{"severity": "warning", "message": "m"}]})) == set()
	_found(object.union(whole, {"changeSummary": {"same": 3}})) == {"incomplete-preview high"}
	_found([whole, {"path": "empty.json", "contents": _preview("a", "123456789012", [])}]) == {"nothing-judged high"}
	_found({"path": "x.json", "contents": {}}) == {"nothing-judged high"}
}

test_the_file_is_named if {
	given := [{"path": "empty.json", "contents": {"steps": []}}]
	{found.message | some found in policies.finding} == {"empty.json There is no policy in the file, so that nothing was judged"} with input as given
}

# Both halves: a role and a bucket, of two stacks.
_halves(own, theirs) := {concat(" ", [found.rule, found.message]) | some found in found_in} if {
	found_in := policies.finding with input as _both(own, theirs)
}

_both(own, theirs) := [
	_preview("account-a", "123456789012", [
		_policy(
			"aws:iam/role:Role", {"name": "R"}, "assumeRolePolicy",
			[{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
		),
		_policy("aws:iam/rolePolicy:RolePolicy", {"name": "p", "role": "R"}, "policy", own),
	]),
	_preview("account-b", "987654321098", [_policy("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}, "policy", array.concat(_secure, theirs))]),
]

_own := {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/*"}

_theirs := {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}, "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::b/*"}

test_agreement[name] if {
	some name, case in {
		"agreed": {"own": [_own], "theirs": [_theirs], "want": set()},
		"agreed in other words": {"own": [_own], "theirs": [_with(_theirs, {"Action": "s3:GetObject"}), _with(_theirs, {"Action": "s3:PUTOBJECT"})], "want": set()},
		"neither": {"own": [_with(_own, {"Resource": "arn:aws:s3:::c/*"})], "theirs": [], "want": set()},
		"the bucket's half is missing": {"own": [_with(_own, {"Action": "s3:GetObject"})], "theirs": [], "want": {"one-sided-grant arn:aws:iam::123456789012:role/R may s3:GetObject by its own policies, but the bucket policy does not let it"}},
		"the role's half is missing": {"own": [_with(_own, {"Action": "s3:GetObject"})], "theirs": [_theirs], "want": {"one-sided-grant The bucket policy lets arn:aws:iam::123456789012:role/R s3:PutObject, but the role's own policies do not"}},
		"by a pattern": {"own": [_with(_own, {"Action": "s3:GetObjec?"})], "theirs": [_with(_theirs, {"Action": "s3:GetObject"})], "want": {"broad-actions s3:GetObjec? covers 1 actions that read"}},
		"another folder": {"own": [_with(_own, {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/a/*"})], "theirs": [_with(_theirs, {"Action": "s3:GetObject"})], "want": {"one-sided-grant The bucket policy lets arn:aws:iam::123456789012:role/R s3:GetObject, but the role's own policies do not"}},
		"another condition": {
			"own": [{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}],
			"theirs": [_with(_theirs, {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b", "Condition": {"StringLike": {"s3:prefix": "a/*"}}})],
			"want": {"one-sided-grant arn:aws:iam::123456789012:role/R may s3:ListBucket by its own policies, but the bucket policy does not let it"},
		},
		"another letter": {"own": [_with(_own, {"Action": "s3:GetObject"})], "theirs": [_with(_theirs, {"Action": "s3:GetObject", "Principal": {"AWS": "arn:aws:iam::123456789012:role/r"}})], "want": {
			"one-sided-grant arn:aws:iam::123456789012:role/R may s3:GetObject by its own policies, but the bucket policy does not let it",
			"other-role The statement names arn:aws:iam::123456789012:role/r, but the role is arn:aws:iam::123456789012:role/R",
		}},
		"another account": {"own": [_with(_own, {"Resource": "arn:aws:s3:::c/*"})], "theirs": [_with(_theirs, {"Principal": {"AWS": "arn:aws:iam::111122223333:role/R"}})], "want": {"other-role The statement names arn:aws:iam::111122223333:role/R, but the role is arn:aws:iam::123456789012:role/R"}},
		"a role that nobody makes": {"own": [_with(_own, {"Resource": "arn:aws:s3:::c/*"})], "theirs": [_with(_theirs, {"Principal": {"AWS": "arn:aws:iam::123456789012:role/S"}})], "want": {"other-role The statement names arn:aws:iam::123456789012:role/S, which no stack makes"}},
		"a role of an account that is not given": {"own": [_with(_own, {"Resource": "arn:aws:s3:::c/*"})], "theirs": [_with(_theirs, {"Principal": {"AWS": "arn:aws:iam::111122223333:role/S"}})], "want": set()},
	}
	_halves(case.own, case.theirs) == case.want
}

# What is about to be deleted is not judged, and a state is judged as a preview is.
_open := object.union(
	_policy("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}, "policy", array.concat(_secure, [_with(_grant, {"Principal": {"AWS": "987654321098"}})])),
	{"urn": "urn:pulumi:b::p::aws:s3/bucketPolicy:BucketPolicy::x"},
)

test_states if {
	_found({"deployment": {"resources": [_open]}}) == {"account-principal medium"}
	_found({"deployment": {"resources": [object.union(_open, {"delete": true})]}}) == {"nothing-judged high"}
	_found({"steps": [{"op": "delete", "newState": _open}]}) == {"nothing-judged high"}
	_found({"steps": [{"op": "delete"}]}) == {"nothing-judged high"}
}

test_the_account_of_a_state if {
	provider := {
		"urn": "urn:pulumi:b::p::pulumi:providers:aws::default", "type": "pulumi:providers:aws",
		"inputs": {"allowedAccountIds": `["987654321098"]`},
	}
	_found({"deployment": {"resources": [provider, object.union(_open, {"provider": "urn:pulumi:b::p::pulumi:providers:aws::default::1"})]}}) == set()
	queue := object.union(_open, {"type": "aws:sqs/queue:Queue", "outputs": {"arn": "arn:aws:sqs:us-east-1:987654321098:q"}})
	_found({"deployment": {"resources": [queue]}}) == {"secure-transport high"}
	_found({"deployment": {"resources": [object.union(queue, {"outputs": {"arn": "arn:aws:s3:::b"}})]}}) == {"secure-transport high", "account-principal medium"}
}

test_inline_policies_of_a_role if {
	role := {"type": "aws:iam/role:Role", "inputs": {"name": "R", "inlinePolicies": [
		{"name": "p", "policy": json.marshal({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}})},
		{"name": "none"},
	]}}
	_found(_preview("a", "123456789012", [role])) == {"broad-actions critical"}
}

test_policies_that_are_not_shown if {
	_found(_preview("b", "987654321098", [{"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {"bucket": "b"}}])) == {"undetermined high"}
	_found(_preview("b", "987654321098", [{"type": "aws:sqs/queuePolicy:QueuePolicy", "inputs": {"policy": null}}])) == {"undetermined high"}
}

test_inline_policies_that_are_not_known if {
	role := {"type": "aws:iam/role:Role", "inputs": {"name": "R", "inlinePolicies": "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"}}
	_found(_preview("a", "123456789012", [role])) == {"undetermined high"}
}

test_names_that_are_secret if {
	secret := {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "x"}
	role := _policy("aws:iam/role:Role", {"name": secret}, "assumeRolePolicy", {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"})
	_found(_preview("a", "123456789012", [role])) == {"wildcard-principal critical"}
}

test_names_that_are_not_known if {
	unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
	"secure-transport high" in _found(_preview("b", "987654321098", [_policy("aws:s3/bucketPolicy:BucketPolicy", {"bucket": unknown}, "policy", [_grant])]))
	_found(_preview("b", "987654321098", [_policy("aws:kms/key:Key", {"name": unknown}, "policy", [{"Effect": "Allow", "Principal": {"AWS": "987654321098"}, "Action": "kms:*", "Resource": "*"}])])) == set()
}

test_resources[name] if {
	some name, case in {
		"objects of a bucket": {"statement": {"Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}, "want": set()},
		"everything": {"statement": {"Action": "s3:GetObject", "Resource": "*"}, "want": {"broad-resources medium"}},
		"every bucket": {"statement": {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::*"}, "want": {"broad-resources medium"}},
		"all but one": {"statement": {"Action": "s3:GetObject", "NotResource": "arn:aws:s3:::b/*"}, "want": {"broad-resources medium"}},
		"what has no resource": {"statement": {"Action": "xray:PutTraceSegments", "Resource": "*"}, "want": set()},
		"listing objects": {"statement": {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b/*"}, "want": {"misplaced-action medium"}},
		"reading a bucket": {"statement": {"Action": "S3:getobject", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::c"]}, "want": {"misplaced-action medium"}},
		"each where it belongs": {"statement": {"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}, "want": set()},
		"listing through an access point": {"statement": {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:us-east-1:987654321098:accesspoint/p"}, "want": set()},
		"listing objects of an access point": {"statement": {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:us-east-1:987654321098:accesspoint/p/object/x/*"}, "want": {"misplaced-action medium"}},
		"reading through an access point": {"statement": {"Action": "s3:GetObject", "Resource": "arn:aws:s3:us-east-1:987654321098:accesspoint/p/object/x/*"}, "want": set()},
		"reading an access point": {"statement": {"Action": "s3:GetObject", "Resource": "arn:aws:s3:us-east-1:987654321098:accesspoint/p"}, "want": {"misplaced-action medium"}},
		"a pattern of buckets": {"statement": {"Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b-*"}, "want": set()},
		"misspelt": {"statement": {"Action": ["s3:GetObjects", "s3:GetObject"], "Resource": "arn:aws:s3:::b/*"}, "want": {"unknown-action low"}},
		"misspelt in a Deny": {"statement": {"Effect": "Deny", "Action": "s3:GetObjects", "Resource": "arn:aws:s3:::b/*"}, "want": {"unknown-action low"}},
		"misspelt in what is left out": {"statement": {"Effect": "Deny", "NotAction": "s3:GetObjects", "Resource": "arn:aws:s3:::b/*"}, "want": {"unknown-action low"}},
		"of no catalogue": {"statement": {"Action": "ec2:Anything", "Resource": "*"}, "want": set()},
	}
	_found(_preview("account-a", "123456789012", [_policy("aws:iam/rolePolicy:RolePolicy", {"name": "p", "role": "R"}, "policy", [object.union({"Effect": "Allow"}, case.statement)])])) == case.want
}

test_access_points[name] if {
	role := {"AWS": "arn:aws:iam::123456789012:role/R"}
	objects := "arn:aws:s3:us-east-1:987654321098:accesspoint/p/object/*"
	some name, case in {
		"a role": {"statement": {"Principal": role, "Action": "s3:GetObject", "Resource": objects}, "want": set()},
		"everybody": {"statement": {"Principal": "*", "Action": "s3:GetObject", "Resource": objects}, "want": {"wildcard-principal critical"}},
		"everybody through it": {
			"statement": {"Principal": "*", "Action": "s3:GetObject", "Resource": objects, "Condition": {"StringEquals": {"s3:AccessPointNetworkOrigin": "Internet"}}},
			"want": {"wildcard-principal critical"},
		},
		"an account": {"statement": {"Principal": {"AWS": "123456789012"}, "Action": "s3:GetObject", "Resource": objects}, "want": {"account-principal medium"}},
		"a role that is gone": {"statement": {"Principal": {"AWS": "AROAEXAMPLEEXAMPLE123"}, "Action": "s3:GetObject", "Resource": objects}, "want": {"dead-principal high"}},
		"every action": {"statement": {"Principal": role, "Action": "s3:Get*", "Resource": objects}, "want": {"broad-actions medium"}},
		"control": {"statement": {"Principal": role, "Action": "s3:PutObjectAcl", "Resource": objects}, "want": {"control-actions high"}},
		"what is never done there": {"statement": {"Principal": role, "Action": "s3:ListBucket", "Resource": objects}, "want": {"misplaced-action medium"}},
	}
	statement := object.union({"Effect": "Allow"}, case.statement)
	every type, inputs in {
		"aws:s3/accessPoint:AccessPoint": {"name": "p", "bucket": "b"},
		"aws:s3control/accessPointPolicy:AccessPointPolicy": {"accessPointArn": "arn:aws:s3:us-east-1:987654321098:accesspoint/p"},
	} {
		_found(_preview("account-b", "987654321098", [_policy(type, inputs, "policy", [statement])])) == case.want
	}
}

test_an_access_point_whose_policy_is_not_known if {
	_found(_preview("account-b", "987654321098", [{"type": "aws:s3/accessPoint:AccessPoint", "inputs": {
		"name": "p", "bucket": "b",
		"policy": "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
	}}])) == {"undetermined high"}
}

# To leave it to access points opens nothing to plain http, nor to those that are not named.
test_delegation[name] if {
	delegation := {
		"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}, "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": _all,
		"Condition": {"StringEquals": {"s3:DataAccessPointAccount": "987654321098"}},
	}
	some name, case in {
		"to roles": {"statements": [delegation, _plain, _old], "want": set()},
		"to roles, over plain http as well": {"statements": [delegation, _old], "want": {"secure-transport high"}},
		"to everybody": {"statements": [object.union(delegation, {"Principal": "*"}), _plain, _old], "want": {"wildcard-principal medium"}},
		"plain http through access points": {
			"statements": [delegation, _old, object.union(_plain, {"Condition": {"Bool": {"aws:SecureTransport": "false"}, "Null": {"s3:DataAccessPointArn": "true"}}})],
			"want": {"secure-transport high"},
		},
	}
	_bucket(case.statements) == case.want
}

# What AWS documents as right.
test_no_deputies if {
	_bucket(array.concat(_secure, [_with(_grant, {
		"Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
		"Action": "s3:PutObject",
		"Resource": "arn:aws:s3:::b/logs/AWSLogs/987654321098/*",
	})])) == set()
	_deputy_of_key("arn:aws:logs:us-east-1:987654321098:*") == set()
	_deputy_of_key("arn:aws:logs:us-east-1:*:*") == {"confused-deputy medium"}
}

_deputy_of_key(group) := _found(_preview("b", "987654321098", [_policy("aws:kms/key:Key", {}, "policy", [{
	"Effect": "Allow",
	"Principal": {"Service": "logs.us-east-1.amazonaws.com"},
	"Action": "kms:Decrypt",
	"Resource": "*",
	"Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": group}},
}])]))

test_confused_deputies[name] if {
	some name, case in {
		"for anybody": {"principal": "logging.s3.amazonaws.com", "condition": {}, "want": {"confused-deputy medium"}},
		"for an account": {"principal": "logging.s3.amazonaws.com", "condition": {"StringEquals": {"aws:SourceAccount": "987654321098"}}, "want": set()},
		"for a source": {"principal": "cloudtrail.amazonaws.com", "condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:987654321098:trail/t"}}, "want": set()},
		"for any source": {"principal": "cloudtrail.amazonaws.com", "condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:*:trail/*"}}, "want": {"confused-deputy medium"}},
		"for an organization": {"principal": "cloudtrail.amazonaws.com", "condition": {"StringEquals": {"aws:SourceOrgID": "o-1"}}, "want": set()},
		"if it says so": {"principal": "cloudtrail.amazonaws.com", "condition": {"StringEqualsIfExists": {"aws:SourceOrgID": "o-1"}}, "want": {"confused-deputy medium"}},
		"for accounts that are alike": {"principal": "cloudtrail.amazonaws.com", "condition": {"StringLike": {"aws:SourceAccount": "98765*"}}, "want": {"confused-deputy medium"}},
		"for sources of accounts that are alike": {
			"principal": "cloudtrail.amazonaws.com",
			"condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudtrail:*:98765432109?:trail/*"}},
			"want": {"confused-deputy medium"},
		},
		"for a wildcard that is none": {"principal": "cloudtrail.amazonaws.com", "condition": {"StringEquals": {"aws:SourceAccount": "98765432109?"}}, "want": set()},
		"for zones of anybody": {"principal": "delivery.logs.amazonaws.com", "condition": {"ArnLike": {"aws:SourceArn": "arn:aws:route53:::hostedzone/*"}}, "want": {"confused-deputy medium"}},
		"for one zone": {"principal": "delivery.logs.amazonaws.com", "condition": {"ArnLike": {"aws:SourceArn": "arn:aws:route53:::hostedzone/Z1"}}, "want": set()},
		"logs of a bucket's name": {"principal": "logging.s3.amazonaws.com", "condition": {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::c"}}, "want": {"confused-deputy medium"}},
		"for its load balancers": {"principal": "logdelivery.elasticloadbalancing.amazonaws.com", "condition": {}, "want": {"confused-deputy medium"}},
		"for a bucket's name": {"principal": "s3.amazonaws.com", "condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::c"}}, "want": {"confused-deputy medium"}},
		"for a bucket and its account": {
			"principal": "s3.amazonaws.com",
			"condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:s3:::c"}, "StringEquals": {"aws:SourceAccount": "987654321098"}},
			"want": set(),
		},
	}
	statement := _with(_grant, {"Principal": {"Service": case.principal}, "Action": "s3:PutObject", "Condition": case.condition})
	_bucket(array.concat(_secure, [statement])) == case.want
}

test_what_blocks_is_denied_and_the_rest_warned_of if {
	given := _preview("account-b", "987654321098", [{"type": "aws:s3/bucketV2:BucketV2", "inputs": {"bucket": "b"}}])
	{found.severity | some found in policies.deny} == {"high", "medium"} with input as given
	{found.severity | some found in policies.warn} == {"low"} with input as given
}

_site := [_with(_grant, {"Principal": "*"})]

_site_urn := "urn:pulumi:account-b::project::aws:s3/bucketPolicy:BucketPolicy::resource-0"

_exception(statements, rule, change) := object.union(
	{"rule": rule, "resource": _site_urn, "fingerprint": fingerprint, "owner": "web team", "reason": "a public site", "expires": "2026-12-31"},
	change,
) if {
	some found in policies.finding with input as _policies_of(statements)
	found.rule == rule
	fingerprint := found.fingerprint
}

_policies_of(statements) := _preview("account-b", "987654321098", [_policy("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}, "policy", statements)])

# What is denied, warned of and excepted of a policy of these statements, with these exceptions.
_with_exceptions(statements, given) := got if {
	got := {
		"deny": {found.rule | some found in policies.deny},
		"warn": {found.rule | some found in policies.warn},
		"excepted": {[one.finding.rule, one.owner, one.reason, one.expires] | some one in policies.excepted},
	} with input as _policies_of(statements)
		with data.exceptions as given
		with time.now_ns as _noon
}

_noon := time.parse_rfc3339_ns("2026-11-23T12:00:00Z")

test_an_exception_lets_its_finding_pass if {
	statements := array.concat(_secure, _site)
	_with_exceptions(statements, []) == {"deny": {"wildcard-principal"}, "warn": set(), "excepted": set()}
	exception := _exception(statements, "wildcard-principal", {})
	_with_exceptions(statements, [exception]) == {
		"deny": set(),
		"warn": set(),
		"excepted": {["wildcard-principal", "web team", "a public site", "2026-12-31"]},
	}
}

test_an_exception_is_for_one_meaning[name] if {
	statements := array.concat(_secure, _site)
	exception := _exception(statements, "wildcard-principal", {})
	some name, case in {
		"other letters": {"statements": array.concat(_secure, [_with(_site[0], {"Sid": "Other", "Action": ["S3:getobject"]})]), "excepted": 1},
		"another place": {"statements": array.concat(_site, _secure), "excepted": 1},
		"another grant besides": {"statements": array.concat(statements, [_grant]), "excepted": 1},
		"one more action": {"statements": array.concat(_secure, [_with(_site[0], {"Action": ["s3:GetObject", "s3:PutObject"]})]), "excepted": 0},
		"another resource": {"statements": array.concat(_secure, [_with(_site[0], {"Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::c/*"]})]), "excepted": 0},
		"a condition, and less severe": {"statements": array.concat(_secure, [_if({"StringEquals": {"aws:PrincipalOrgID": "o-1"}})]), "excepted": 0},
	}
	got := _with_exceptions(case.statements, [exception])
	count(got.excepted) == case.excepted
	count(got.deny) == 1 - case.excepted
	count(got.warn) == 1 - case.excepted # the exception covers another policy
}

test_an_exception_of_a_whole_policy if {
	exception := _exception([_old, _grant], "secure-transport", {})
	_with_exceptions([_grant, _old], [exception]).deny == set()
	_with_exceptions([_grant, _with(_grant, {"Action": "s3:PutObject"}), _old], [exception]).deny == {"secure-transport"}
}

test_an_exception_that_does_not_count[name] if {
	statements := array.concat(_secure, _site)
	some name, case in {
		"expired": {"change": {"expires": "2026-11-22"}, "deny": {"wildcard-principal"}, "warn": {"stale-exception"}},
		"without a reason": {"change": {"reason": ""}, "deny": {"malformed-exception", "wildcard-principal"}, "warn": set()},
		"of another rule": {"change": {"rule": "secure-transport"}, "deny": {"wildcard-principal"}, "warn": {"stale-exception"}},
	}
	exception := _exception(statements, "wildcard-principal", case.change)
	_with_exceptions(statements, [exception]) == {"deny": case.deny, "warn": case.warn, "excepted": set()}
}

# What could not be judged has no fingerprint to name.
test_no_exception_of_what_could_not_be_judged if {
	given := _preview("account-b", "987654321098", [{"type": "aws:s3/bucketPolicy:BucketPolicy", "inputs": {"bucket": "b"}}])
	[found] := [found | some found in policies.finding] with input as given
	found.rule == "undetermined"
	not found.fingerprint
}

# The bucket's policy is the same, but the role's own says more.
test_an_exception_of_one_half_is_for_both if {
	exceptions := [{"rule": "one-sided-grant", "resource": found.urn, "fingerprint": found.fingerprint, "owner": "o", "reason": "r", "expires": "2026-12-31"} |
		some found in policies.finding with input as _both([_own], [_with(_theirs, {"Action": "s3:GetObject"})])
		found.rule == "one-sided-grant"
	]
	count(exceptions) == 1
	every case in [
		{"own": [_own], "deny": set()},
		{"own": [_own, _with(_own, {"Action": "s3:DeleteObject"})], "deny": {"one-sided-grant"}},
	] {
		denied := {found.rule | some found in policies.deny} with input as _both(case.own, [_with(_theirs, {"Action": "s3:GetObject"})])
			with data.exceptions as exceptions
			with time.now_ns as _noon
		denied == case.deny
	}
}

test_trust_of_identity_providers[name] if {
	some name, case in {
		"github": {"Federated": "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com", "want": {"web-identity critical", "web-identity medium"}},
		"saml": {"Federated": "arn:aws:iam::123456789012:saml-provider/p", "want": {"saml-audience medium"}},
	}
	trust := {"Effect": "Allow", "Principal": object.filter(case, {"Federated"}), "Action": ["sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"]}
	_found(_preview("a", "123456789012", [_policy("aws:iam/role:Role", {"name": "R"}, "assumeRolePolicy", [trust])])) == case.want
}

test_canary if {
	whole := _preview("b", "987654321098", [_policy("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}, "policy", _secure)])
	_found(whole) == {"canary high"} with data.iam.breadth.patterns as []
}

test_permissions_of_functions[name] if {
	some name, case in {
		"everybody": {"inputs": {"principal": "*"}, "want": {"wildcard-principal critical"}},
		"an organization": {"inputs": {"principal": "*", "principalOrgId": "o-1"}, "want": {"wildcard-principal medium"}},
		"an account": {"inputs": {"principal": "987654321098"}, "want": {"account-principal medium"}},
		"a service": {"inputs": {"principal": "sns.amazonaws.com"}, "want": {"confused-deputy medium"}},
		"a service with a source": {"inputs": {"principal": "sns.amazonaws.com", "sourceArn": "arn:aws:sns:us-east-1:123456789012:t"}, "want": set()},
		"a bucket, whose name does not tell its account": {"inputs": {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::b"}, "want": {"confused-deputy medium"}},
		"a bucket of an account": {
			"inputs": {"principal": "s3.amazonaws.com", "sourceArn": "arn:aws:s3:::b", "sourceAccount": "123456789012"},
			"want": set(),
		},
		"rules of anybody": {"inputs": {"principal": "events.amazonaws.com", "sourceArn": "arn:aws:events:*:*:rule/r"}, "want": {"confused-deputy medium"}},
		"log groups of anybody": {"inputs": {"principal": "logs.amazonaws.com", "sourceArn": "arn:aws:logs:*:*:log-group:g:*"}, "want": {"confused-deputy medium"}},
		"a log group": {"inputs": {"principal": "logs.amazonaws.com", "sourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:g:*"}, "want": set()},
		"a bucket that is not there yet": {"inputs": {"principal": "s3.amazonaws.com", "sourceArn": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, "want": {"confused-deputy medium"}},
		"a source that may be anything": {"inputs": {"principal": "events.amazonaws.com", "sourceArn": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, "want": {"undetermined high"}},
		"everybody for a source that may be anything": {"inputs": {"principal": "*", "sourceArn": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, "want": {"undetermined high"}},
		"everybody, signed": {"inputs": {"principal": "*", "action": "lambda:InvokeFunctionUrl", "functionUrlAuthType": "AWS_IAM"}, "want": {"wildcard-principal critical"}},
		"everybody with a token": {"inputs": {"principal": "*", "eventSourceToken": "t"}, "want": {"wildcard-principal high"}},
		"a skill": {"inputs": {"principal": "alexa-appkit.amazon.com", "eventSourceToken": "t"}, "want": set()},
		"any skill": {"inputs": {"principal": "alexa-appkit.amazon.com"}, "want": {"confused-deputy medium"}},
		"a role": {"inputs": {"principal": "arn:aws:iam::987654321098:role/R"}, "want": set()},
		"every action": {"inputs": {"principal": "arn:aws:iam::987654321098:role/R", "action": "lambda:*"}, "want": {"broad-actions critical"}},
		"what is empty": {"inputs": {"principal": "123456789012", "sourceArn": "", "sourceAccount": null}, "want": set()},
		"not known yet": {"inputs": {"principal": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}, "want": {"undetermined high"}},
		"a URL for everybody": {"inputs": {"principal": "*", "action": "lambda:InvokeFunctionUrl", "functionUrlAuthType": "NONE"}, "want": {"wildcard-principal critical"}},
	}
	permission := {"type": "aws:lambda/permission:Permission", "inputs": object.union({"action": "lambda:InvokeFunction", "function": "f"}, case.inputs)}
	_found(_preview("a", "123456789012", [permission])) == case.want
}

test_stale_outputs if {
	stack := {"urn": "urn:pulumi:a::p::pulumi:pulumi:Stack::p-a", "type": "pulumi:pulumi:Stack", "outputs": {"roleArn": ""}}
	role := {"urn": "urn:pulumi:a::p::aws:iam/role:Role::r", "type": "aws:iam/role:Role", "outputs": {"arn": "arn:aws:iam::123456789012:role/r"}}
	trust := {"inputs": {"assumeRolePolicy": json.marshal({"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}})}}
	_found({"deployment": {"resources": [stack, object.union(role, trust)]}}) == {"stale-output high"}
}

test_managed_policies if {
	arn := "arn:aws:iam::aws:policy/AmazonS3FullAccess"
	attachment := {"type": "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "inputs": {"role": "R", "policyArn": arn}}
	trust := {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
	role := _policy("aws:iam/role:Role", {"name": "R"}, "assumeRolePolicy", [trust])
	_found(_preview("a", "123456789012", [role, attachment])) == {"managed-policy critical"}
}

test_function_urls if {
	url := "aws:lambda/functionUrl:FunctionUrl"
	_found(_preview("a", "123456789012", [{"type": url, "inputs": {"functionName": "f", "authorizationType": "NONE"}}])) == {"wildcard-principal critical"}
	rule := {"type": "aws:lambda/permission:Permission", "inputs": {"principal": "123456789012", "action": "lambda:InvokeFunctionUrl", "function": "f"}}
	_found(_preview("a", "123456789012", [rule, {"type": url, "inputs": {"functionName": "f", "authorizationType": "AWS_IAM"}}])) == set()
}

test_a_signed_request_needs_somebody if {
	given := _preview("a", "123456789012", [{"type": "aws:lambda/permission:Permission", "inputs": {"principal": "*", "action": "lambda:InvokeFunctionUrl", "function": "f", "functionUrlAuthType": "AWS_IAM"}}])
	[found] := [found | some found in policies.finding] with input as given
	startswith(found.witness.principal, "arn:aws:sts::111122223333:")
}

test_keys if {
	arn := "arn:aws:kms:us-east-1:987654321098:key/1"
	encryption := {
		"type": "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
		"inputs": {"bucket": "b", "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": arn}}]},
	}
	key := {"type": "aws:kms/key:Key", "inputs": {}, "outputs": {"arn": arn}}
	trust := {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
	role := _policy("aws:iam/role:Role", {"name": "R"}, "assumeRolePolicy", [trust])
	own := _policy("aws:iam/rolePolicy:RolePolicy", {"role": "R"}, "policy", [object.remove(_grant, ["Principal"])])
	_found([_preview("a", "123456789012", [role, own]), _preview("b", "987654321098", [encryption, key])]) == {
		"key-agreement medium",
		"nothing-judged high", # of the stack with nothing but a key
	}
}
