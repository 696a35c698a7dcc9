# METADATA
# title: Trust
# description: |
#   Whose tokens a role's trust policy accepts. An identity provider tells AWS who somebody is; for whom the role is, only the conditions on
#   the token's audience and subject say.
# related_resources:
#   - description: Create a role for OpenID Connect federation
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
#   - description: Available keys for AWS OIDC federation
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
package iam.trust

import data.iam.conditions
import data.iam.exposure
import data.iam.standins

# METADATA
# title: Open web identities
# description: |
#   Each Allow of a prepared trust policy that accepts tokens of an OpenID Connect provider which are not for this role, as {"index",
#   "severity", "message", "witness"}. The attached resource is {"arn", "account"}.
web_identities(document, attached) := [object.union({"index": statement.index}, verdict) |
	some statement in _allowing(document, "sts:AssumeRoleWithWebIdentity")
	some ["Federated", provider] in statement.principal.names
	not contains(provider, ":saml-provider/")
	issuer := lower(regex.replace(provider, `^arn:.*:oidc-provider/`, ""))
	some verdict in _verdicts(_asked(document, statement, provider, "sts:AssumeRoleWithWebIdentity", attached), issuer)
]

# METADATA
# title: Open SAML
# description: As web_identities, of SAML providers, whose assertions are for a service, the audience.
saml(document, attached) := [{"index": statement.index, "provider": provider, "witness": witness} |
	some statement in _allowing(document, "sts:AssumeRoleWithSAML")
	some ["Federated", provider] in statement.principal.names
	contains(provider, ":saml-provider/")
	asked := _asked(document, statement, provider, "sts:AssumeRoleWithSAML", attached)
	witness := _accepted(asked, {"saml:aud": [null, "https://example.com/another-service"]})
]

# What a statement is asked, by whom, and the conditions that have a say in the answer.
_asked(document, statement, provider, action, attached) := {
	"document": document,
	"statement": statement,
	"principal": provider,
	"action": action,
	"resource": attached.arn,
	"account": attached.account,
	"conditions": array.concat(statement.conditions, [condition |
		some one in document.statements
		one.effect == "Deny"
		some condition in one.conditions
	]),
}

_allowing(document, action) := [statement |
	some statement in document.statements
	statement.effect == "Allow"
	regex.match(statement.action.pattern, action) == statement.action.covers
]

_verdicts(asked, issuer) := array.concat(
	[verdict | verdict := _open_subject(asked, issuer)],
	[{"severity": "medium", "message": message, "witness": witness} |
		witness := _accepted(asked, _another_audience(issuer))
		message := sprintf("Tokens of %s for any audience are accepted", [issuer])
	],
)

_open_subject(asked, issuer) := {"severity": "critical", "message": _for_anybody(issuer), "witness": witness} if {
	issuer in object.keys(_tenants)
	witness := _accepted(asked, _strangers(asked, issuer))
}

# Where everybody can have an audience, as an app or a pool of identities, that is what tells a stranger.
else := {"severity": "critical", "message": _for_anybody(issuer), "witness": witness} if {
	issuer in _with_audiences_of_all
	witness := _accepted(asked, object.union(_another_audience(issuer), {_key(issuer, _claim(issuer).subject): _plain_strangers(issuer)}))
}

else := {"severity": "high", "message": _for_anybody(issuer), "witness": witness} if {
	witness := _accepted(asked, _strangers(asked, issuer))
}

else := {"severity": "medium", "message": message, "witness": witness} if {
	witness := _accepted(asked, {_key(issuer, "sub"): _others_of_the_tenant(asked, issuer)})
	message := sprintf("Tokens of %s for every repository of the organization are accepted", [issuer])
}

_for_anybody(issuer) := sprintf("Tokens of %s for anybody there are accepted", [issuer])

_key(issuer, claim) := concat(":", [issuer, claim])

# What AWS calls the audience and the subject of a token.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
_claim(issuer) := {"audience": "app_id", "subject": "id"} if issuer == "graph.facebook.com"

else := {"audience": "app_id", "subject": "user_id"} if issuer == "www.amazon.com"

else := {"audience": "aud", "subject": "sub"}

_with_audiences_of_all := {"accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"}

_another_audience(issuer) := {_key(issuer, _claim(issuer).audience): [null, "something-else"]}

# A request with one of the given choices that the statement accepts and no other denies; undefined where there is none. Where there is
# too much to try, nothing is known to be bounded.
_accepted(asked, choices) := _witness(asked, accepted[0]) if {
	accepted := sort([context |
		some context in standins.contexts(asked.conditions, choices)
		case := {"request": {
			"principal": asked.principal, "action": asked.action, "context": context,
			"resource": {"resource": asked.resource, "accountId": asked.account},
		}}
		conditions.holds(asked.statement.conditions) > -1 with input as case
		not exposure.denied(asked.document, case)
	])
}

else := _witness(asked, {}) if not standins.contexts(asked.conditions, choices)

_witness(asked, context) := object.union(object.filter(asked, ["principal", "action", "resource"]), {"context": context})

# What the subject of a token begins with at providers that serve everybody: behind it stands the tenant.
_tenants := {
	"token.actions.githubusercontent.com": "repo:",
	"gitlab.com": "project_path:",
	"app.terraform.io": "organization:",
	"agent.buildkite.com": "organization:",
}

# The tenants of a cluster are its namespaces.
_prefix(issuer) := "system:serviceaccount:" if startswith(issuer, "oidc.eks.")

else := object.get(_tenants, issuer, "")

# What tokens of somebody else say: a subject that no policy names, or that the statement's patterns match without the tenant being named.
_strangers(asked, issuer) := object.union(others, {_key(issuer, _claim(issuer).subject): subjects}) if {
	others := object.get(_claims_of_strangers, issuer, {})
	prefix := _prefix(issuer)
	subjects := array.concat(_plain_strangers(issuer), [subject |
		prefix != ""
		some pattern in _subjects(asked, issuer)
		regex.match(`[*?]`, _tenant(pattern, prefix))
		subject := standins.instance(regex.replace(pattern, `^([^*]*)\*`, "${1}stranger/stranger:stranger"))
	])
}

_plain_strangers(issuer) := [null, concat("", [_prefix(issuer), "stranger/stranger:ref:refs/heads/main"])]

# What else tells who somebody is.
_claims_of_strangers := {
	"cognito-identity.amazonaws.com": {"cognito-identity.amazonaws.com:amr": [null, "unauthenticated"]},
	"token.actions.githubusercontent.com": {
		"token.actions.githubusercontent.com:repository": [null, "stranger/stranger"],
		"token.actions.githubusercontent.com:repository_id": [null, "0"],
	},
}

# Subjects of repositories that the patterns match without naming them.
_others_of_the_tenant(asked, "token.actions.githubusercontent.com") := [subject |
	some pattern in _subjects(asked, "token.actions.githubusercontent.com")
	[_, tenant, repository] := regex.find_all_string_submatch_n(`^repo:([^/]*)/([^:]*)`, pattern, 1)[0]
	not regex.match(`[*?]`, tenant)
	regex.match(`[*?]`, repository)
	subject := standins.instance(pattern)
]

_tenant(pattern, prefix) := split(split(trim_prefix(pattern, prefix), "/")[0], ":")[0] if startswith(pattern, prefix)

else := pattern

_subjects(asked, issuer) := [pattern |
	some condition in asked.conditions
	condition.context_key == _key(issuer, "sub")
	some pattern in _list(condition.wanted)
	is_string(pattern)
]

_list(value) := value if is_array(value)

else := [value]
