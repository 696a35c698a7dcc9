package iam.exposure_test

import data.iam.exposure
import data.iam.preparation

_attached := {"arn": "arn:aws:s3:::b", "account": "987654321098"}

_allow(change) := {"Version": "2012-10-17", "Statement": [object.union({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}, change)]}

test_open_statements if {
	exposure.open_statements(_allow({"Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}}), _attached) == []
	[pattern] := exposure.open_statements(_allow({"Principal": "*", "Action": "sqs:SendMess*"}), _attached)
	pattern.witness.action == "sqs:SendMessage"
	[unheard] := exposure.open_statements(_allow({"Principal": "*", "Action": "nothing:*"}), _attached)
	unheard.severity == "critical"
	[open] := exposure.open_statements(_allow({"Principal": "*"}), _attached)
	open.severity == "critical"
	open.witness.principal == "anonymous"
	[bounded] := exposure.open_statements(_allow({"Principal": "*", "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}), _attached)
	bounded == {"index": 0, "severity": "medium", "witness": null}
}

test_a_witness_is_not_over_plain_http_unless_it_has_to_be if {
	https := {"Bool": {"aws:SecureTransport": ["true", "false"]}}
	[open] := exposure.open_statements(_allow({"Principal": "*", "Condition": https}), _attached)
	open.witness.context == {"aws:securetransport": "true"}
	[plain] := exposure.open_statements(_allow({"Principal": "*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}), _attached)
	plain.severity == "critical"
	plain.witness.context == {"aws:securetransport": "false"}
}

_deny(change) := object.union({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}, change)

_statements(allow, deny) := {"Version": "2012-10-17", "Statement": [object.union({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}, allow), deny]}

test_a_deny_of_some_resources_bounds_nobody[name] if {
	some name, case in {
		"of one folder": {"allow": {"Resource": "arn:aws:s3:::b/*"}, "deny": {"Resource": "arn:aws:s3:::b/x*"}, "want": "critical"},
		"of some in a folder": {"allow": {"Resource": "arn:aws:s3:::b/data/*"}, "deny": {"Resource": "arn:aws:s3:::b/data/x*"}, "want": "critical"},
		"of all": {"allow": {"Resource": "arn:aws:s3:::b/*"}, "deny": {}, "want": "medium"},
		"of all but a folder": {"allow": {"Resource": "arn:aws:s3:::b/*"}, "deny": {"Resource": null, "NotResource": "arn:aws:s3:::b/open/*"}, "want": "critical"},
		"of all that the pattern means": {"allow": {"Resource": "*"}, "deny": {"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}, "want": "medium"},
		"of another folder than what is left out": {"allow": {"NotResource": "arn:aws:s3:::b/private/*"}, "deny": {"Resource": "arn:aws:s3:::b/x/*"}, "want": "critical"},
	}
	deny := json.filter(_deny(case.deny), [key | some key, value in _deny(case.deny); value != null])
	[open] := exposure.open_statements(_statements(case.allow, deny), _attached)
	open.severity == case.want
}

test_the_resource_of_a_witness if {
	both := {"Principal": "*", "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"]}
	[object_] := exposure.open_statements(_allow(both), _attached)
	object_.witness.resource == "arn:aws:s3:::b/x"
	[bucket] := exposure.open_statements(_allow(object.union(both, {"Action": "s3:ListBucket"})), _attached)
	bucket.witness.resource == "arn:aws:s3:::b"
	[unnamed] := exposure.open_statements({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "ecr:BatchGetImage"}}, _attached)
	unnamed.witness.resource == "arn:aws:s3:::b"
	[none] := exposure.open_statements({"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "NotResource": "*"}}, _attached)
	none.severity == "medium"
}

# How far conditions bound a caller, and a Deny of all that does not meet them.
test_conditions[name] if {
	some name, case in {
		"an ARN that ends so": {"StringLike": {"aws:PrincipalArn": "*:role/Admin"}, "want": "critical"},
		"an ARN with an account's id somewhere": {"StringLike": {"aws:PrincipalArn": "*123456789012*"}, "want": "critical"},
		"an ARN with an account's id in its place": {"StringLike": {"aws:PrincipalArn": "*:123456789012:*"}, "want": "medium"},
		"an ARN in China": {"StringLike": {"aws:PrincipalArn": "arn:aws-cn:iam::*Admin"}, "want": "critical"},
		"a user of any account": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/bob"}, "want": "critical"},
		"a session, which has the ARN of its role": {"ArnLike": {"aws:PrincipalArn": "arn:aws:sts::*:assumed-role/*"}, "want": "medium"},
		"an ARN of the own account": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:PrincipalAccount}:role/*"}, "want": "critical"},
		"an ARN of the bucket's account": {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::${aws:ResourceAccount}:role/*"}, "want": "medium"},
		"the bucket's organization": {"StringEquals": {"aws:PrincipalOrgID": "${aws:ResourceOrgID}"}, "want": "medium"},
		"the own organization": {"StringEquals": {"aws:PrincipalOrgID": "${aws:PrincipalOrgID}"}, "want": "critical"},
		"a tag as the object has it": {"StringEquals": {"s3:ExistingObjectTag/team": "${aws:PrincipalTag/team}"}, "want": "critical"},
		"nobody's account": {"StringEquals": {"aws:PrincipalAccount": "anonymous"}, "want": "critical"},
		"an account, which everybody has": {"StringEqualsIfExists": {"aws:PrincipalAccount": "123456789012"}, "want": "medium"},
		"a user's id": {"StringLike": {"aws:userid": "AIDA*"}, "want": "critical"},
		"a session with a word in its name": {"StringLike": {"aws:userid": "*admin*"}, "want": "critical"},
		"any source": {"StringLike": {"aws:SourceArn": "arn:aws:sns:*"}, "want": "critical"},
		"an account's source": {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:123456789012:*"}, "want": "medium"},
		"an account's source as a text": {"StringLike": {"aws:SourceArn": "arn:aws:sns:*:123456789012:*"}, "want": "medium"},
		"any organization of a source": {"StringLike": {"aws:SourceOrgID": "o-*"}, "want": "critical"},
		"any path of a source": {"ForAnyValue:StringLike": {"aws:SourceOrgPaths": "o-*"}, "want": "critical"},
		"an organization of a source": {"StringEquals": {"aws:SourceOrgID": "o-1"}, "want": "medium"},
		"the account of a topic's caller": {"StringEquals": {"aws:SourceOwner": "123456789012"}, "want": "medium"},
		"any account of a topic's caller": {"StringLike": {"aws:SourceOwner": "*"}, "want": "critical"},
		"a provider of identities": {"StringEquals": {"aws:FederatedProvider": "arn:aws:iam::123456789012:saml-provider/p"}, "want": "medium"},
		"one that serves all": {"StringEquals": {"aws:FederatedProvider": "accounts.google.com"}, "want": "critical"},
		"an endpoint as they are called": {"StringLike": {"aws:SourceVpce": "vpce-?????????????????"}, "want": "critical"},
		"a network as they are called": {"StringLike": {"aws:SourceVpc": "vpc-?????????????????"}, "want": "critical"},
		"any network by its ARN": {"ArnLike": {"aws:SourceVpcArn": "arn:aws:ec2:*:*:vpc/*"}, "want": "critical"},
		"an account's networks": {"ArnLike": {"aws:SourceVpcArn": "arn:aws:ec2:*:123456789012:vpc/*"}, "want": "medium"},
		"any account's endpoints": {"StringLike": {"aws:VpceAccount": "*"}, "want": "critical"},
		"any organization's endpoints": {"StringLike": {"aws:VpceOrgID": "o-*"}, "want": "critical"},
		"an organization's endpoints": {"ForAnyValue:StringLike": {"aws:VpceOrgPaths": "o-1/*"}, "want": "medium"},
		"addresses in a network of one's own": {"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}, "want": "critical"},
		"three ranges": {"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"]}, "want": "high"},
		"many ranges that are one": {"IpAddress": {"aws:SourceIp": [sprintf("%d.0.0.0/8", [i]) | some i in numbers.range(64, 127)]}, "want": "critical"},
		"all of the other family": {"IpAddress": {"aws:SourceIp": "::/0"}, "want": "critical"},
		"what is in use of it": {"IpAddress": {"aws:SourceIp": "2000::/3"}, "want": "critical"},
		"a range, private and public": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.0/24"]}, "want": "high"},
		"an address as a text": {"StringEquals": {"aws:SourceIp": "203.0.113.7"}, "want": "high"},
		"any header": {"StringLike": {"aws:UserAgent": "*"}, "want": "critical"},
		"what has been agreed upon": {"StringEquals": {"sts:ExternalId": "x"}, "want": "high"},
		"nothing that has been agreed upon": {"StringLike": {"sts:ExternalId": "*"}, "want": "critical"},
	}
	[condition] := [{operator: block} | some operator, block in case; operator != "want"]
	[allowed] := exposure.open_statements(_allow({"Principal": "*", "Condition": condition}), _attached)
	allowed.severity == case.want
}

# What a Deny with the opposite leaves, is what an Allow that asks for it lets in.
test_what_a_deny_leaves[name] if {
	some name, case in {
		"sources": {"StringNotLike": {"aws:SourceAccount": "*"}, "want": "critical"},
		"services": {"StringNotEquals": {"aws:PrincipalServiceName": "cloudtrail.amazonaws.com"}, "want": "critical"},
		"a range": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "want": "high"},
		"an organization and services": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}, "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}, "want": "medium"},
		"an organization and whoever asks through services": {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}, "BoolIfExists": {"aws:ViaAWSService": "false"}, "want": "critical"},
	}
	condition := object.remove(case, ["want"])
	[left] := exposure.open_statements(_statements({"Resource": "arn:aws:s3:::b/*"}, _deny({"Condition": condition})), _attached)
	left.severity == case.want
}

# With an address or through an endpoint, but never both, nor neither.
test_where_requests_come_from[name] if {
	some name, case in {
		"both": {"condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}, "StringLike": {"aws:SourceVpc": "*"}}, "want": "medium"},
		"neither": {"condition": {"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}, "StringEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}, "want": "high"},
		"an endpoint, which hides the address": {"condition": {"IpAddressIfExists": {"aws:SourceIp": "203.0.113.0/24"}}, "want": "critical"},
		"all addresses but all": {"condition": {"NotIpAddress": {"aws:SourceIp": "0.0.0.0/0"}}, "want": "critical"},
	}
	[open] := exposure.open_statements(_allow({"Principal": "*", "Condition": case.condition}), _attached)
	open.severity == case.want
}

test_a_resource_of_the_caller_s_own if {
	own := {"Principal": "*", "Resource": "arn:aws:s3:::b/${aws:username}/*"}
	[open] := exposure.open_statements(_allow(own), _attached)
	open.witness.resource == "arn:aws:s3:::b/something-else/x"
	open.witness.context == {"aws:username": "something-else"}
	startswith(open.witness.principal, "arn:")
	[literal] := exposure.open_statements(object.union(_allow(own), {"Version": "2008-10-17"}), _attached)
	literal.witness.resource == "arn:aws:s3:::b/${aws:username}/x"
}

test_who_is_nobody_in_particular if {
	[key] := exposure.open_statements(_allow({"Principal": "*", "Action": "kms:Decrypt", "Resource": "*"}), {"arn": "arn:aws:kms:us-east-1:987654321098:key/k", "account": "987654321098"})
	startswith(key.witness.principal, "arn:")
	[root] := exposure.open_statements(_allow({"Principal": {"AWS": "arn:aws:iam::*:root"}}), _attached)
	startswith(root.witness.principal, "arn:")
	[some_of_an_account] := exposure.open_statements(_allow({"Principal": {"AWS": "arn:aws:iam::123456789012:role/*"}}), _attached)
	some_of_an_account.severity == "medium"
	[mixed] := exposure.open_statements(_allow({"Principal": {"AWS": ["arn:aws:iam::123456789012:role/*", "*"]}}), _attached)
	mixed.witness.principal == "anonymous"
	[all_but] := exposure.open_statements({"Statement": {"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:role/*"}, "Action": "s3:GetObject", "Resource": "*"}}, _attached)
	all_but.severity == "critical"
}

test_too_much_to_try if {
	many := {sprintf("aws:PrincipalTag/%d", [i]): "v" | some i in numbers.range(1, 9)}
	[open] := exposure.open_statements(_allow({"Principal": "*", "Condition": {"StringEquals": many}}), _attached)
	open == {"index": 0, "severity": "high", "witness": null}
}

_whole(change, others) := exposure.whole_accounts(document, document.statements[0], _attached) if {
	document := preparation.document({"Version": "2012-10-17", "Statement": array.concat(_allow(change).Statement, others)})
}

test_whole_accounts if {
	_whole({"Principal": {"AWS": ["123456789012", "arn:aws:iam::111122223333:root", "arn:aws:iam::000000000000:role/R"]}}, []) == {"123456789012", "111122223333"}
	_whole({"Principal": {"AWS": ["*", "arn:aws:iam::000000000000:role/R"]}}, []) == set()
	_whole({"Principal": null, "NotPrincipal": {"AWS": "123456789012"}}, []) == set()
}

test_an_account_is_not_whole_where_its_principals_are_named[name] if {
	some name, case in {
		"by ARN": {"allow": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/R"}}, "deny": [], "want": set()},
		"by a path": {"allow": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/app/*"}}, "deny": [], "want": set()},
		"by id": {"allow": {"StringLike": {"aws:userid": "AROAEXAMPLE0000000000:*"}}, "deny": [], "want": set()},
		"by a Deny": {"allow": {}, "deny": [_deny({"Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/R"}}})], "want": set()},
		"by the account only": {"allow": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}, "deny": [], "want": {"123456789012"}},
		"by any ARN there": {"allow": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}}, "deny": [], "want": {"123456789012"}},
		"by what they choose": {"allow": {"StringEquals": {"aws:PrincipalTag/team": "a"}}, "deny": [], "want": {"123456789012"}},
		"if at all": {"allow": {"ArnEqualsIfExists": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/R"}}, "deny": [], "want": set()},
		"by more than can be tried": {"allow": {"StringEquals": {sprintf("aws:PrincipalTag/%d", [i]): "v" | some i in numbers.range(1, 9)}}, "deny": [], "want": {"123456789012"}},
	}
	_whole({"Principal": {"AWS": "123456789012"}, "Condition": case.allow}, case.deny) == case.want
}

test_only_delegates if {
	exposure.only_delegates({"principal": {"names": [["AWS", "987654321098"]]}}, _attached)
	not exposure.only_delegates({"principal": {"names": [["AWS", "123456789012"]]}}, _attached)
	not exposure.only_delegates({"principal": {"names": [["AWS", "987654321098"], ["AWS", "123456789012"]]}}, _attached)
	not exposure.only_delegates({"principal": {"names": "everyone"}}, _attached)
}
