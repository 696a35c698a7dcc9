package iam.trust_test

import data.iam.preparation
import data.iam.trust

_attached := {"arn": "arn:aws:iam::123456789012:role/R", "account": "123456789012"}

_github := "token.actions.githubusercontent.com"

_provider(issuer) := sprintf("arn:aws:iam::123456789012:oidc-provider/%s", [issuer])

_found(issuer, condition) := _told(_document(_of(issuer, condition)))

_of(issuer, condition) := {"Principal": {"Federated": issuer}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}

_told(document) := [sprintf("%s %s", [one.severity, regex.replace(one.message, `^Tokens of [^ ]* for (any[a-z]*|every [a-z]*).*$`, "$1")]) |
	some one in trust.web_identities(document, _attached)
]

_document(change) := preparation.document({"Version": "2012-10-17", "Statement": object.union({"Effect": "Allow"}, change)})

_aud := {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}

_sub(pattern) := {"StringEquals": _aud, "StringLike": {"token.actions.githubusercontent.com:sub": pattern}}

test_web_identities_of_github[name] if {
	some name, case in {
		"nothing": {"condition": {}, "want": ["critical anybody", "medium any"]},
		"the audience alone": {"condition": {"StringEquals": _aud}, "want": ["critical anybody"]},
		"the subject alone": {"condition": {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:o/r:ref:refs/heads/main"}}, "want": ["medium any"]},
		"a branch": {"condition": _sub("repo:o/r:ref:refs/heads/main"), "want": []},
		"a repository": {"condition": _sub("repo:o/r:*"), "want": []},
		"two repositories": {"condition": _sub(["repo:o/r:*", "repo:o/s:*"]), "want": []},
		"an organization": {"condition": _sub("repo:o/*:*"), "want": ["medium every repository"]},
		"an organization, in short": {"condition": _sub("repo:o/*"), "want": ["medium every repository"]},
		"organizations that begin so": {"condition": _sub("repo:o*"), "want": ["critical anybody"]},
		"a repository of any organization": {"condition": _sub("repo:*/r:*"), "want": ["critical anybody"]},
		"any repository": {"condition": _sub("repo:*"), "want": ["critical anybody"]},
		"anything": {"condition": _sub("*"), "want": ["critical anybody"]},
		"one of them is anything": {"condition": _sub(["repo:o/r:*", "repo:*"]), "want": ["critical anybody"]},
		"any environment": {"condition": _sub("*:environment:production"), "want": ["critical anybody"]},
		"all but one": {
			"condition": {"StringEquals": _aud, "StringNotLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}},
			"want": ["critical anybody"],
		},
		"where there is a subject": {
			"condition": {"StringEquals": _aud, "StringLikeIfExists": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}},
			"want": ["critical anybody"],
		},
		"all of no subjects": {
			"condition": {"StringEquals": _aud, "ForAllValues:StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}},
			"want": ["critical anybody"],
		},
		"all of no audiences": {
			"condition": {"ForAllValues:StringEquals": _aud, "StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}},
			"want": ["medium any"],
		},
		"a subject that is not known yet": {"condition": _sub("04da6b54-80e4-46f7-96ec-b56ff0331ba9"), "want": ["critical anybody"]},
		"the repository by a claim of its own": {"condition": {"StringEquals": object.union(_aud, {"token.actions.githubusercontent.com:repository": "o/r"})}, "want": []},
		"in other letters": {
			"condition": {"StringEquals": {"Token.Actions.GitHubUserContent.com:AUD": "sts.amazonaws.com", "token.actions.githubusercontent.com:Sub": "repo:o/r:ref:refs/heads/main"}},
			"want": [],
		},
		"too much to try": {
			"condition": {"StringNotEquals": {sprintf("aws:RequestTag/%d", [i]): ["a", "b"] | some i in numbers.range(1, 9)}},
			"want": ["critical anybody", "medium any"],
		},
	}
	_found(_provider(_github), case.condition) == case.want
}

test_web_identities_of_others if {
	cluster := "oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE"
	account := sprintf("%s:sub", [cluster])
	audience := sprintf("%s:aud", [cluster])
	_found(_provider(cluster), {"StringEquals": {account: "system:serviceaccount:n:a", audience: "sts.amazonaws.com"}}) == []
	_found(_provider(cluster), {"StringEquals": {audience: "sts.amazonaws.com"}}) == ["high anybody"]
	_found(_provider(cluster), {"StringEquals": {audience: "sts.amazonaws.com"}, "StringLike": {account: "system:serviceaccount:n:*"}}) == []
	_found("accounts.google.com", {"StringEquals": {"accounts.google.com:aud": "a"}}) == ["high anybody"]
	_found("accounts.google.com", {}) == ["critical anybody", "medium any"]
	_found("graph.facebook.com", {"StringEquals": {"graph.facebook.com:app_id": "a"}}) == ["high anybody"]
	_found("www.amazon.com", {"StringEquals": {"www.amazon.com:app_id": "a", "www.amazon.com:user_id": "u"}}) == []
	_found(_provider("gitlab.com"), {"StringLike": {"gitlab.com:sub": "project_path:g*", "gitlab.com:aud": "a"}}) == ["critical anybody"]
	_found(_provider("gitlab.com"), {"StringLike": {"gitlab.com:sub": "project_path:g/p:*", "gitlab.com:aud": "a"}}) == []
}

_methods(said) := {"ForAnyValue:StringLike": {"cognito-identity.amazonaws.com:amr": said}}

test_namespaces_that_are_not_named[pattern] if {
	some pattern in ["system:serviceaccount:*", "system:serviceaccount:*:a", "*"]
	cluster := "oidc.eks.us-east-1.amazonaws.com/id/EXAMPLE"
	subject := {"StringLike": {sprintf("%s:sub", [cluster]): pattern}}
	audience := {"StringEquals": {sprintf("%s:aud", [cluster]): "sts.amazonaws.com"}}
	_found(_provider(cluster), object.union(subject, audience)) == ["high anybody"]
}

# Everybody can have a pool of identities: which it is, is the audience, and whether they are known there, the methods.
test_web_identities_of_pools if {
	pool := {"cognito-identity.amazonaws.com:aud": "us-east-1:00000000-0000-0000-0000-000000000000"}
	issuer := "cognito-identity.amazonaws.com"
	_found(issuer, object.union(_methods("authenticated"), {"StringEquals": pool})) == []
	_found(issuer, object.union(_methods("unauthenticated"), {"StringEquals": pool})) == ["high anybody"]
	_found(issuer, {"StringEquals": pool}) == ["high anybody"]
	_found(issuer, _methods("authenticated")) == ["critical anybody", "medium any"]
}

# What one statement accepts, another can deny.
test_web_identities_that_are_denied[name] if {
	some name, case in {
		"all but one repository": {"deny": {"Condition": {"StringNotLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}}}, "want": []},
		"all but one organization": {"deny": {"Condition": {"StringNotLike": {"token.actions.githubusercontent.com:sub": "repo:o/*"}}}, "want": ["medium every repository"]},
		"one repository": {"deny": {"Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}}}, "want": ["critical anybody"]},
		"users": {"deny": {"Principal": {"AWS": "arn:aws:iam::123456789012:user/u"}}, "want": ["critical anybody"]},
	}
	deny := object.union({"Effect": "Deny", "Principal": "*", "Action": "sts:*"}, case.deny)
	allow := object.union({"Effect": "Allow"}, _of(_provider(_github), {"StringEquals": _aud}))
	_told(preparation.document({"Version": "2012-10-17", "Statement": [allow, deny]})) == case.want
}

test_what_is_no_web_identity if {
	trust.web_identities(_document({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}), _attached) == []
	trust.web_identities(_document({"Principal": {"Federated": _provider(_github)}, "Action": "sts:TagSession"}), _attached) == []
	trust.web_identities(_document({"Principal": {"Federated": "arn:aws:iam::123456789012:saml-provider/p"}, "Action": "sts:*"}), _attached) == []
	[open] := trust.web_identities(_document({"Principal": {"Federated": _provider(_github)}, "Action": "sts:*", "Condition": {"StringEquals": _aud}}), _attached)
	open.witness == {
		"principal": _provider(_github), "action": "sts:AssumeRoleWithWebIdentity", "resource": _attached.arn,
		"context": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"},
	}
}

test_saml if {
	provider := {"Federated": "arn:aws:iam::123456789012:saml-provider/p"}
	statement := {"Principal": provider, "Action": "sts:AssumeRoleWithSAML"}
	[open] := trust.saml(_document(statement), _attached)
	open.index == 0
	trust.saml(_document(object.union(statement, {"Condition": {"StringEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}})), _attached) == []
	trust.saml(_document({"Principal": {"Federated": _provider(_github)}, "Action": "sts:AssumeRoleWithSAML"}), _attached) == []
	deny := {"Effect": "Deny", "Principal": "*", "Action": "sts:*", "Condition": {"StringNotEquals": {"SAML:aud": "https://signin.aws.amazon.com/saml"}}}
	trust.saml(preparation.document({"Statement": [object.union({"Effect": "Allow"}, statement), deny]}), _attached) == []
}
