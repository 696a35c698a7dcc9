package iam.trust_test

import data.iam.preparation
import data.iam.trust

_attached := {"arn": "arn:aws:iam::123456789012:role/R", "account": "123456789012"}

_github := "token.actions.githubusercontent.com"

_provider(issuer) := sprintf("arn:aws:iam::123456789012:oidc-provider/%s", [issuer])

_found(issuer, condition) := [sprintf("%s %s", [one.severity, regex.replace(one.message, `^Tokens of [^ ]* for (any[a-z]*|every [a-z]*).*$`, "$1")]) |
	some one in trust.web_identities(_document({"Principal": {"Federated": issuer}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}), _attached)
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
	_found("accounts.google.com", {"StringEquals": {"accounts.google.com:aud": "a"}}) == ["high anybody"]
	_found(_provider("gitlab.com"), {"StringLike": {"gitlab.com:sub": "project_path:g*", "gitlab.com:aud": "a"}}) == ["critical anybody"]
	_found(_provider("gitlab.com"), {"StringLike": {"gitlab.com:sub": "project_path:g/p:*", "gitlab.com:aud": "a"}}) == []
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
}
