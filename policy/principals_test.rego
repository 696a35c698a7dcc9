package iam.principals_test

import data.iam.preparation
import data.iam.principals

_session := "arn:aws:sts::123456789012:assumed-role/App/s"

_user := "arn:aws:iam::123456789012:user/team/alice"

_unknown := "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

test_kind_and_account[principal] if {
	some principal, expected in {
		_session: ["session", "123456789012"],
		_user: ["user", "123456789012"],
		"arn:aws:iam::123456789012:role/path/App": ["role", "123456789012"],
		"arn:aws:iam::123456789012:root": ["root", "123456789012"],
		"arn:aws:sts::123456789012:federated-user/alice": ["federated", "123456789012"],
		"123456789012": ["account", "123456789012"],
	}
	principals.kind == expected[0] with input.request.principal as principal
	principals.account == expected[1] with input.request.principal as principal
}

test_kind_without_account[principal] if {
	some principal, expected in {
		"lambda.amazonaws.com": "service",
		"anonymous": "anonymous",
		"*": "anonymous",
		"arn:aws:iam::123456789012:oidc-provider/example.com": "provider",
		"arn:aws:iam::123456789012:saml-provider/name": "provider",
	}
	principals.kind == expected with input.request.principal as principal
	not principals.account with input.request.principal as principal
}

test_an_arn_of_something_else_has_no_kind if {
	not principals.kind with input.request.principal as "arn:aws:s3:::b"
}

_names(principal, statement) := names if {
	policy := {"Statement": object.union({"Effect": "Allow", "Action": "*", "Resource": "*"}, statement)}
	prepared := preparation.document(policy).statements[0]
	names := principals.names(prepared) with input.request.principal as principal
}

test_names[note] if {
	some note, case in {
		"no element": {"of": _session, "statement": {}, "names": {["everyone", 1]}},
		"everyone": {"of": _session, "statement": {"Principal": "*"}, "names": {["everyone", 1]}},
		"everyone, anonymous": {"of": "anonymous", "statement": {"Principal": {"AWS": "*"}}, "names": {["everyone", 1]}},
		"everyone among others": {
			"of": "lambda.amazonaws.com",
			"statement": {"Principal": {"AWS": ["*", "111122223333"]}},
			"names": {["everyone", 1]},
		},
		"the account's id": {"of": _session, "statement": {"Principal": {"AWS": "123456789012"}}, "names": {["account", 1]}},
		"the account's root": {
			"of": _session,
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
			"names": {["account", 1]},
		},
		"the root itself": {
			"of": "arn:aws:iam::123456789012:root",
			"statement": {"Principal": {"AWS": ["arn:aws:iam::123456789012:root", "123456789012"]}},
			"names": {["account", 1]},
		},
		"an account by its root": {
			"of": "123456789012",
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}},
			"names": {["account", 1]},
		},
		"another account": {"of": _session, "statement": {"Principal": {"AWS": "111122223333"}}, "names": set()},
		"another partition": {
			"of": _session,
			"statement": {"Principal": {"AWS": ["arn:aws-cn:iam::123456789012:root", "arn:aws-cn:iam::123456789012:role/App"]}},
			"names": set(),
		},
		"the role of the session": {
			"of": _session,
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/any/path/App"}},
			"names": {["role", 1]},
		},
		"a role with a longer name": {
			"of": _session,
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/MyApp"}},
			"names": set(),
		},
		"a role in another letter case": {
			"of": _session,
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/app"}},
			"names": {["role", 0]},
		},
		"the session": {"of": _session, "statement": {"Principal": {"AWS": _session}}, "names": {["exact", 1]}},
		"the session of a role in another letter case": {
			"of": _session,
			"statement": {"Principal": {"AWS": "arn:aws:sts::123456789012:assumed-role/app/s"}},
			"names": {["exact", 0]},
		},
		"another session": {
			"of": _session,
			"statement": {"Principal": {"AWS": "arn:aws:sts::123456789012:assumed-role/App/S"}},
			"names": set(),
		},
		"a role by its ARN": {
			"of": "arn:aws:iam::123456789012:role/App",
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/App"}},
			"names": {["role", 1]},
		},
		"a role by its ARN in another letter case": {
			"of": "arn:aws:iam::123456789012:role/App",
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:role/app"}},
			"names": {["role", 0]},
		},
		"the user": {"of": _user, "statement": {"Principal": {"AWS": _user}}, "names": {["exact", 1]}},
		"a user in another letter case": {
			"of": _user,
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:user/team/Alice"}},
			"names": set(),
		},
		"a partial wildcard": {
			"of": _user,
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:user/*"}},
			"names": set(),
		},
		"the account in another letter case": {
			"of": _user,
			"statement": {"Principal": {"AWS": "arn:AWS:iam::123456789012:root"}},
			"names": {["account", 0]},
		},
		"a deleted role": {"of": _session, "statement": {"Principal": {"AWS": "AROAEXAMPLEEXAMPLE"}}, "names": {["role", 0]}},
		"a deleted role is no user": {"of": _user, "statement": {"Principal": {"AWS": "AROAEXAMPLEEXAMPLE"}}, "names": set()},
		"a deleted user": {"of": _user, "statement": {"Principal": {"AWS": "AIDAEXAMPLEEXAMPLE"}}, "names": {["exact", 0]}},
		"the user behind a federated user": {
			"of": "arn:aws:sts::123456789012:federated-user/alice",
			"statement": {"Principal": {"AWS": "arn:aws:iam::123456789012:user/alice"}},
			"names": {["exact", 0]},
		},
		"the service": {
			"of": "lambda.amazonaws.com",
			"statement": {"Principal": {"Service": ["sns.amazonaws.com", "lambda.amazonaws.com"]}},
			"names": {["exact", 1]},
		},
		"another service": {
			"of": "lambda.amazonaws.com",
			"statement": {"Principal": {"Service": "sns.amazonaws.com"}},
			"names": set(),
		},
		"a service by a wildcard": {
			"of": "lambda.amazonaws.com",
			"statement": {"Principal": {"Service": "*"}},
			"names": {["everyone", 0]},
		},
		"a service is no principal of AWS": {
			"of": "lambda.amazonaws.com",
			"statement": {"Principal": {"AWS": "lambda.amazonaws.com"}},
			"names": set(),
		},
		"the identity provider": {
			"of": "arn:aws:iam::123456789012:oidc-provider/example.com",
			"statement": {"Principal": {"Federated": "arn:aws:iam::123456789012:oidc-provider/example.com"}},
			"names": {["exact", 1]},
		},
		"a canonical user may be any account": {
			"of": _user,
			"statement": {"Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}},
			"names": {["exact", 0]},
		},
		"a canonical user is no service": {
			"of": "lambda.amazonaws.com",
			"statement": {"Principal": {"CanonicalUser": "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}},
			"names": set(),
		},
		"an unknown element": {"of": _user, "statement": {"Principal": _unknown}, "names": {["everyone", 0]}},
		"an unknown name": {"of": _user, "statement": {"Principal": {"AWS": _unknown}}, "names": {["everyone", 0]}},
		"an unknown service": {"of": _user, "statement": {"Principal": {"Service": _unknown}}, "names": {["everyone", 0]}},
		"NotPrincipal with Allow": {
			"of": _user,
			"statement": {"NotPrincipal": {"AWS": "111122223333"}},
			"names": {["everyone", 0]},
		},
	}
	_names(case.of, case.statement) == case.names
}

# What a Deny with this NotPrincipal says: it reaches the principal (1), exempts it (-1), or that is not settled (0).
test_not_principal[note] if {
	some note, case in {
		"nobody": {"of": _session, "listed": ["111122223333"], "reaches": 1},
		"everyone": {"of": _session, "listed": ["*"], "reaches": -1},
		"account, role and session": {
			"of": _session,
			"listed": ["123456789012", "arn:aws:iam::123456789012:role/App", _session],
			"reaches": -1,
		},
		"a session without its role": {"of": _session, "listed": ["123456789012", _session], "reaches": 1},
		"a session without its account": {
			"of": _session,
			"listed": ["arn:aws:iam::123456789012:role/App", _session],
			"reaches": 1,
		},
		"a session with its role in another letter case": {
			"of": _session,
			"listed": ["123456789012", "arn:aws:iam::123456789012:role/app", _session],
			"reaches": 0,
		},
		"account and role": {
			"of": "arn:aws:iam::123456789012:role/App",
			"listed": ["123456789012", "arn:aws:iam::123456789012:role/App"],
			"reaches": -1,
		},
		"account and user": {"of": _user, "listed": ["123456789012", _user], "reaches": -1},
		"a user without the account": {"of": _user, "listed": [_user], "reaches": 0},
		"the account of a user": {"of": _user, "listed": ["123456789012"], "reaches": 0},
		"the account": {"of": "123456789012", "listed": ["123456789012"], "reaches": -1},
		"an anonymous caller": {"of": "anonymous", "listed": ["123456789012"], "reaches": 1},
		"an unknown name": {"of": _session, "listed": [_unknown], "reaches": 0},
	}
	names := _names(case.of, {"Effect": "Deny", "NotPrincipal": {"AWS": case.listed}})
	names == {["everyone", truth] | truth := case.reaches; truth > -1}
}

test_not_principal_exempts_a_service if {
	_names("lambda.amazonaws.com", {"Effect": "Deny", "NotPrincipal": {"Service": "lambda.amazonaws.com"}}) == set()
	_names("sns.amazonaws.com", {"Effect": "Deny", "NotPrincipal": {"Service": "lambda.amazonaws.com"}}) == {["everyone", 1]}
}

test_not_principal_exempts_nobody_who_has_a_boundary if {
	names := _names(_user, {"Effect": "Deny", "NotPrincipal": {"AWS": ["123456789012", _user]}}) with input.boundary as [{}]
	names == {["everyone", 1]}
}
