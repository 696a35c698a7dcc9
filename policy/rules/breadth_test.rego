package iam.breadth_test

import data.iam.breadth
import data.iam.preparation

_document(statements) := preparation.document({"Version": "2012-10-17", "Statement": statements})

_statement(source) := _document(object.union({"Effect": "Allow"}, source)).statements[0]

test_patterns if {
	breadth.patterns({"source": {"Action": "s3:GetObject"}}) == []
	[one] := breadth.patterns({"source": {"Action": ["s3:GetObject", "s3:*"]}})
	one.severity == "critical"
	[all_but] := breadth.patterns({"source": {"NotAction": "s3:GetObject", "Resource": "*"}})
	all_but.severity == "critical"
}

# What NotAction leaves can only be done where its resources are.
test_the_severity_of_all_but[names] if {
	some [names, resource, want] in [
		["s3:GetObject", "arn:aws:s3:::b/*", "critical"],
		["s3:*", "arn:aws:s3:::b/*", "medium"],
		["s3:*", "*", "critical"],
		["s3:*", "arn:aws:ec2:*:*:*", "critical"],
		[["sts:*", "STS:GET*"], "arn:aws:iam::123456789012:role/R", "critical"],
		[["sts:Ass*", "sts:Decode*", "sts:Set*", "sts:Tag*"], "arn:aws:sts::123456789012:*", "medium"],
		["sts:Get*", "arn:aws:sts::123456789012:*", "high"],
	]
	[all_but] := breadth.patterns({"source": {"NotAction": names, "Resource": resource}})
	all_but.severity == want
}

test_the_severity_of_a_pattern[pattern] if {
	some pattern, want in {
		"iam:*": "critical", "i*:*": "critical", "*:Create*": "critical", "sso:Create*": "critical", "s3:Put*": "critical",
		"ecr:Set*": "critical", "iam:Detach*": "critical", "dynamodb:Put*": "critical", "iam:Tag*": "high", "iam:Pass*": "high",
		"iam:Get*": "medium", "ec2:Describe*": "medium", "s3:GetObject*": "medium", "dynamodb:List*": "medium", "ecr:BatchGet*": "medium",
		"s3:PutObject?agging": "high", "ec2:Start*": "high", "ec2:*": "critical", "s3:Gest*": "high",
	}
	[found] := breadth.patterns({"source": {"Action": pattern}})
	found.severity == want
}

_controlling(statements) := {action |
	document := _document(statements)
	some statement in document.statements
	statement.effect == "Allow"
	some action in breadth.controlling(statement, document)
}

test_controlling if {
	_controlling({"Effect": "Allow", "Action": ["s3:GetObject", "S3:putbucketacl", "iam:PassRole"], "Resource": "*"}) == {"S3:putbucketacl", "iam:PassRole"}
}

test_what_hands_over_control[action] if {
	some action in [
		"iam:DetachRolePolicy", "iam:createpolicy", "iam:CreateAccessKey", "ecr:SetRepositoryPolicy", "sso:CreateAccountAssignment",
		"kms:CreateGrant", "s3:PutBucketOwnershipControls", "sqs:SetQueueAttributes", "s3:PutObjectAcl", "lambda:AddPermission",
	]
	_controlling({"Effect": "Allow", "Action": action, "Resource": "*"}) == {action}
}

test_what_does_not[action] if {
	some action in ["s3:ObjectOwnerOverrideToBucketOwner", "iam:CreateRole", "iam:GetRole", "rds-db:connect", "sqs:SendMessage", "lambda:InvokeFunction"]
	_controlling({"Effect": "Allow", "Action": action, "Resource": "*"}) == set()
}

test_any_role[resource] if {
	some resource in [
		"*", "arn:aws:iam::123456789012:role/*", "arn:aws:iam::*:role/?*", "arn:*:iam::*:*", "arn:aws:iam::123456789012:r*", "arn:aws:*:*:*:*",
		"arn:aws-cn:iam::123456789012:role/**", "arn:aws:iam::*",
	]
	some action in ["iam:PassRole", "sts:AssumeRole"]
	_controlling({"Effect": "Allow", "Action": action, "Resource": ["arn:aws:iam::123456789012:role/X", resource]}) == {action}
}

test_any_role_but_one if {
	_controlling({"Effect": "Allow", "Action": "iam:PassRole", "NotResource": "arn:aws:iam::123456789012:role/Admin"}) == {"iam:PassRole"}
}

test_certain_roles[resource] if {
	some resource in [
		"arn:aws:iam::123456789012:role/X", "arn:aws:iam::123456789012:role/app-*", "arn:aws:iam::*:role/Audit", "arn:aws:iam::123456789012:user/*",
		"arn:aws:iam::123456789012:role/${aws:PrincipalTag/role}",
	]
	_controlling({"Effect": "Allow", "Action": ["iam:PassRole", "sts:AssumeRole"], "Resource": resource}) == set()
}

test_roles_of_an_organization if {
	statement := {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
	_controlling(object.union(statement, {"Condition": {"StringEquals": {"aws:ResourceOrgID": "o-ours"}}})) == set()
	_controlling(object.union(statement, {"Condition": {"StringLike": {"aws:ResourceOrgID": "o-*"}}})) == {"sts:AssumeRole"}
	_controlling(object.union(statement, {"Condition": {"Bool": {"aws:SecureTransport": "true"}}})) == {"sts:AssumeRole"}
}

test_conditions_that_keep_it_harmless[name] if {
	some name, case in {
		"grants for services": ["kms:CreateGrant", {"Bool": {"kms:GrantIsForAWSResource": "true"}}, 0],
		"grants for services, or not": ["kms:CreateGrant", {"BoolIfExists": {"kms:GrantIsForAWSResource": "true"}}, 1],
		"grants for others": ["kms:CreateGrant", {"Bool": {"kms:GrantIsForAWSResource": "false"}}, 1],
		"another key": ["kms:CreateGrant", {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}, 1],
		"an ACL for the owner": ["s3:PutObjectAcl", {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}, 0],
		"an ACL for all": ["s3:PutObjectAcl", {"StringLike": {"s3:x-amz-acl": ["private", "public-*"]}}, 1],
		"all but an ACL for all": ["s3:PutObjectAcl", {"StringNotEquals": {"s3:x-amz-acl": "public-read"}}, 1],
		"an ACL for policies": ["s3:PutBucketPolicy", {"StringEquals": {"s3:x-amz-acl": "private"}}, 1],
	}
	[action, condition, want] := case
	count(_controlling({"Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition})) == want
}

_denying(statement) := [
	{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}, "Action": "s3:PutBucketPolicy", "Resource": "arn:aws:s3:::b"},
	object.union({"Effect": "Deny", "Principal": "*", "Action": "s3:PutBucket*", "Resource": "arn:aws:s3:::b"}, statement),
]

test_what_is_taken_back if {
	_controlling(_denying({})) == set()
	_controlling(_denying({"Resource": "*"})) == set()
	_controlling(_denying({"Principal": {"AWS": "arn:aws:iam::123456789012:role/R"}})) == set()
}

test_what_is_not_taken_back[statement] if {
	some statement in [
		{"Effect": "Allow"}, {"Action": "s3:PutBucketAcl"}, {"Resource": "arn:aws:s3:::c"}, {"Principal": {"AWS": "arn:aws:iam::123456789012:role/Q"}},
		{"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
	]
	_controlling(_denying(statement)) == {"s3:PutBucketPolicy"}
}

_broad(action, resource, condition) := breadth.broad(_statement({"Action": action, "Resource": resource, "Condition": condition}), "identity")

test_broad[resource] if {
	some [action, resource] in [
		["s3:GetObject", "*"], ["s3:GetObject", "arn:aws:s3:::*"], ["S3:getobject", "arn:*:s3:*:*:*"], ["s3:GetObject", "arn:aws:s3:::*/*"],
		["s3:GetObject", "arn:aws:s3:::?*"], ["s3:GetObject", "arn:aws:s3:::*/public/*"], ["s3:GetObject", ["arn:aws:s3:::b/*", "arn:aws-cn:s3:::**"]],
		["kms:Decrypt", "arn:aws:kms:*:*:key/*"], ["lambda:InvokeFunction", "arn:aws:lambda:*:*:function:*"], ["dynamodb:GetItem", "*"],
		["iam:GetRole", "arn:aws:iam::*:role/*"], ["s3:GetObject", "arn:*"],
	]
	_broad(action, resource, {}) == {action}
}

test_not_broad[resource] if {
	some [action, resource] in [
		["s3:GetObject", "arn:aws:s3:::b/*"], ["s3:GetObject", "arn:aws:s3:::b*"], ["s3:GetObject", "arn:aws:s3:::*-logs/*"],
		["s3:GetObject", "arn:aws:s3:::${aws:PrincipalTag/team}/*"], ["s3:ListAllMyBuckets", "*"], ["ec2:DescribeInstances", "*"],
		["sns:Publish", "arn:aws:sns:*:123456789012:*"], ["kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:key/*"],
	]
	_broad(action, resource, {}) == set()
}

test_broad_but_for_a_condition[name] if {
	some name, case in {
		"tags": [{"StringEquals": {"aws:ResourceTag/team": "a"}}, 0],
		"an account": [{"StringEquals": {"aws:ResourceAccount": "123456789012"}}, 0],
		"any account": [{"StringLike": {"aws:ResourceAccount": "*"}}, 1],
		"all but an account": [{"StringNotEquals": {"aws:ResourceAccount": "123456789012"}}, 1],
		"aliases": [{"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/ours"}}, 0],
		"aliases, if any": [{"ForAllValues:StringEquals": {"kms:ResourceAliases": "alias/ours"}}, 1],
		"something else": [{"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, 1],
	}
	[condition, want] := case
	count(_broad("kms:Decrypt", "*", condition)) == want
}

test_all_but_some_resources if {
	all_but := {"Action": ["s3:GetObject", "ec2:StartInstances", "s3:ListAllMyBuckets"], "NotResource": "arn:aws:s3:::secret/*"}
	breadth.broad(_statement(all_but), "identity") == {"s3:GetObject", "ec2:StartInstances"}
	breadth.broad(_statement(all_but), "bucket") == {"s3:GetObject", "ec2:StartInstances"}
	breadth.broad(_statement({"Action": "kms:Decrypt", "Resource": "*"}), "key") == set()
}

test_misplaced[resource] if {
	some [action, resource] in [
		["s3:ListBucket", "arn:aws:s3:::b/*"], ["s3:GetObject", "arn:aws:s3:::b"], ["s3:listbucket", ["arn:aws:s3:::b/k", "arn:aws:s3:::*/*"]],
		["s3:GetObject", "arn:aws:s3:us-east-1:123456789012:accesspoint/a"], ["s3:GetObject", "arn:aws:sqs:us-east-1:123456789012:q"],
		["kms:Decrypt", "arn:aws:kms:us-east-1:123456789012:alias/a"], ["kms:Decrypt", "arn:aws:s3:::b"], ["sts:AssumeRole", "arn:aws:iam::123456789012:user/u"],
		["s3:GetObject*", "arn:aws:s3:::b"], ["s3:ListBucket*", "arn:aws:s3:::b/*"], ["s3:ListAllMyBuckets", "arn:aws:s3:::b"], ["s3:GetObject", "b/*"],
		["s3:PutObject", "arn:aws:s3:us-east-1:123456789012:b/*"],
	]
	breadth.misplaced(_statement({"Action": [action], "Resource": resource})) == {action}
}

test_in_its_place[resource] if {
	some [action, resource] in [
		["s3:ListBucket", ["arn:aws:s3:::b/*", "arn:aws:s3:::b"]], ["s3:GetObject", "arn:aws:s3:::b*"], ["s3:ListBucket", "arn:aws:s3:::b*"],
		["s3:GetObject", "*"], ["s3:GetObject", "arn:*:s3:*:*:*"], ["s3:Get*", "arn:aws:s3:::b"], ["s3:ListAllMyBuckets", "arn:aws:s3:::*"],
		["s3:GetObject", "arn:aws:s3:us-east-1:123456789012:accesspoint/a/object/*"], ["s3:ListBucket", "arn:aws:s3:us-east-1:123456789012:accesspoint/a"],
		["s3:ListBucket", "arn:aws:s3:::${aws:PrincipalTag/bucket}"], ["s3:GetObject", "arn:aws:s3:::b/${aws:username}/*"],
		["kms:Decrypt", "arn:aws:kms:*:123456789012:k*"], ["sts:AssumeRole", "arn:aws:iam::123456789012:role/x/y"], ["iam:PassRole", "arn:aws:*:*:*:*"],
		["secretsmanager:GetSecretValue", "arn:aws:secretsmanager:us-east-1:123456789012:secret:s-??????"], ["ec2:StartInstances", "arn:aws:s3:::b"],
		["lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:f:live"], ["s3:GetObject", "arn:aws:s3:::???*"],
	]
	breadth.misplaced(_statement({"Action": action, "Resource": resource})) == set()
}

test_all_but_some_resources_are_no_place if {
	breadth.misplaced(_statement({"Action": "s3:GetObject", "NotResource": "arn:aws:s3:::b"})) == set()
}

test_unknown if {
	breadth.unknown(_statement({"Action": ["s3:GetObjects", "s3:getobject", "s3:Gett*", "s3:Get*", "ec2:Anything", "IAM:PassRoles"], "Resource": "*"})) == {"s3:GetObjects", "s3:Gett*", "IAM:PassRoles"}
	breadth.unknown(_statement({"NotAction": "s3:GetObjects", "Resource": "*"})) == {"s3:GetObjects"}
}
