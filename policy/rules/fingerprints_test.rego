package pulumi.fingerprints_test

import data.pulumi.fingerprints

_statement := {
	"Sid": "Read", "Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws:iam::111122223333:role/R"]},
	"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
	"Condition": {
		"Bool": {"aws:SecureTransport": "true"},
		"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"},
		"StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2"]},
		"StringEqualsIgnoreCase": {"aws:UserAgent": "one"},
		"NumericLessThan": {"s3:max-keys": "10"},
	},
}

_deny := {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}

# Of one statement beside others, and of the policy as a whole.
_of(statement) := [fingerprints.of(said) | some said in [fingerprints.statement(policy, 0), fingerprints.policy(policy)]] if {
	policy := {"Version": "2012-10-17", "Statement": [statement, _deny]}
}

_with(change) := object.union(object.remove(_statement, object.keys(change)), change)

_if(change) := _with({"Condition": object.union(object.remove(_statement.Condition, object.keys(change)), change)})

test_the_same_in_other_words[name] if {
	some name, other in {
		"another Sid": _with({"Sid": "Other"}),
		"no Sid": object.remove(_statement, ["Sid"]),
		"other order of principals, and an account's id": _with({"Principal": {"AWS": ["arn:aws:iam::111122223333:role/R", "123456789012"]}}),
		"other order of actions": _with({"Action": ["s3:ListBucket", "s3:GetObject"]}),
		"an action twice": _with({"Action": ["s3:ListBucket", "s3:GetObject", "s3:GetObject"]}),
		"other letters of actions": _with({"Action": ["S3:getobject", "s3:LISTBUCKET"]}),
		"other order of resources": _with({"Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b"]}),
		"other letters of a key": _if({"Bool": {"AWS:securetransport": "true"}}),
		"JSON true": _if({"Bool": {"aws:SecureTransport": true}}),
		"other letters of true": _if({"Bool": {"aws:SecureTransport": "True"}}),
		"one in a list": _if({"Bool": {"aws:SecureTransport": ["true"]}}),
		"another name of the operator": object.union(
			_with({"Condition": object.remove(_statement.Condition, ["ArnLike"])}),
			{"Condition": {"ArnEquals": _statement.Condition.ArnLike}},
		),
		"other order of values": _if({"StringEquals": {"aws:PrincipalOrgID": ["o-2", "o-1"]}}),
		"other letters where they do not matter": _if({"StringEqualsIgnoreCase": {"aws:UserAgent": "ONE"}}),
		"a JSON number": _if({"NumericLessThan": {"s3:max-keys": 10}}),
	}
	_of(other) == _of(_statement)
}

test_one_or_a_list if {
	short := {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
	long := {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": ["s3:GetObject"], "Resource": ["*"], "Condition": {}}
	fingerprints.policy({"Statement": short}) == fingerprints.policy({"Version": "2012-10-17", "Statement": [long]})
	fingerprints.statement({"Statement": short}, 0) == fingerprints.statement({"Version": "2012-10-17", "Statement": [long]}, 0)
}

test_something_else[name] if {
	some name, other in {
		"effect": _with({"Effect": "Deny"}),
		"one more principal": _with({"Principal": {"AWS": array.concat(_statement.Principal.AWS, ["987654321098"])}}),
		"one principal less": _with({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}),
		"other letters of a role": _with({"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "arn:aws:iam::111122223333:role/r"]}}),
		"another type of principal": _with({"Principal": {"Federated": _statement.Principal.AWS}}),
		"everybody": _with({"Principal": "*"}),
		"everybody else": object.union(object.remove(_statement, ["Principal"]), {"NotPrincipal": _statement.Principal}),
		"one more action": _with({"Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"]}),
		"a pattern": _with({"Action": ["s3:GetObject*", "s3:ListBucket"]}),
		"every other action": object.union(object.remove(_statement, ["Action"]), {"NotAction": _statement.Action}),
		"one more resource": _with({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::c"]}),
		"other letters of a resource": _with({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::B/*"]}),
		"every other resource": object.union(object.remove(_statement, ["Resource"]), {"NotResource": _statement.Resource}),
		"one condition less": _with({"Condition": object.remove(_statement.Condition, ["Bool"])}),
		"another value": _if({"Bool": {"aws:SecureTransport": "false"}}),
		"one more value": _if({"StringEquals": {"aws:PrincipalOrgID": ["o-1", "o-2", "o-3"]}}),
		"other letters where they matter": _if({"StringEquals": {"aws:PrincipalOrgID": ["O-1", "o-2"]}}),
		"another key": _if({"StringEquals": {"aws:PrincipalOrgPaths": ["o-1", "o-2"]}}),
		"if there is one": object.union(
			_with({"Condition": object.remove(_statement.Condition, ["Bool"])}),
			{"Condition": {"BoolIfExists": _statement.Condition.Bool}},
		),
		"for all values": object.union(
			_with({"Condition": object.remove(_statement.Condition, ["StringEquals"])}),
			{"Condition": {"ForAllValues:StringEquals": _statement.Condition.StringEquals}},
		),
		"less or equal": object.union(
			_with({"Condition": object.remove(_statement.Condition, ["NumericLessThan"])}),
			{"Condition": {"NumericLessThanEquals": _statement.Condition.NumericLessThan}},
		),
	}
	some i in [0, 1]
	_of(other)[i] != _of(_statement)[i]
}

# Statements in another order are the same policy, one more is another.
test_of_a_policy if {
	said := fingerprints.policy({"Statement": [_statement, _deny]})
	said == fingerprints.policy({"Statement": [_deny, _statement]})
	said != fingerprints.policy({"Statement": [_deny, _statement, object.union(_deny, {"Effect": "Allow"})]})
	said != fingerprints.policy({"Statement": [_statement]})
}

# What an Allow means depends on the Deny statements beside it, and on no other Allow.
test_of_a_statement_beside_others if {
	said := fingerprints.statement({"Statement": [_statement, _deny]}, 0)
	said == fingerprints.statement({"Statement": [_deny, _statement]}, 1)
	said == fingerprints.statement({"Statement": [_statement, _deny, object.union(_deny, {"Effect": "Allow"})]}, 0)
	said != fingerprints.statement({"Statement": [_statement]}, 0)
	said != fingerprints.statement({"Statement": [_statement, object.union(_deny, {"Action": "s3:GetObject"})]}, 0)
	fingerprints.statement({"Statement": [_statement, _deny]}, 1) == fingerprints.statement({"Statement": [_deny]}, 0)
}

# In the older version, variables are texts like others.
test_the_version_where_it_matters if {
	statement := object.union(_deny, {"Resource": "arn:aws:s3:::b/${aws:username}"})
	old := fingerprints.policy({"Statement": statement})
	old == fingerprints.policy({"Version": "2008-10-17", "Statement": statement})
	old != fingerprints.policy({"Version": "2012-10-17", "Statement": statement})
}

test_the_shape if {
	regex.match(`^sha256:[0-9a-f]{32}$`, fingerprints.of({"any": {"thing"}}))
}
