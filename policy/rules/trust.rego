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
	some verdict in _verdicts(statement, provider, issuer, attached)
]

# METADATA
# title: Open SAML
# description: As web_identities, of SAML providers, whose assertions are for a service, the audience.
saml(document, attached) := [{"index": statement.index, "provider": provider, "witness": witness} |
	some statement in _allowing(document, "sts:AssumeRoleWithSAML")
	some ["Federated", provider] in statement.principal.names
	contains(provider, ":saml-provider/")
	context := _accepted(statement, {"saml:aud": [null, "https://example.com/another-service"]})
	witness := _witness(provider, "sts:AssumeRoleWithSAML", attached, context)
]

_allowing(document, action) := [statement |
	some statement in document.statements
	statement.effect == "Allow"
	regex.match(statement.action.pattern, action) == statement.action.covers
]

_verdicts(statement, provider, issuer, attached) := array.concat(
	[{"severity": subject.severity, "message": subject.message, "witness": witness} |
		subject := _open_subject(statement, issuer)
		witness := _witness(provider, "sts:AssumeRoleWithWebIdentity", attached, subject.context)
	],
	[{"severity": "medium", "message": message, "witness": witness} |
		context := _accepted(statement, {_key(issuer, "aud"): [null, "something-else"]})
		message := sprintf("Tokens of %s for any audience are accepted", [issuer])
		witness := _witness(provider, "sts:AssumeRoleWithWebIdentity", attached, context)
	],
)

_open_subject(statement, issuer) := {"severity": severity, "message": message, "context": context} if {
	context := _accepted(statement, {_key(issuer, "sub"): _strangers(statement, issuer)})
	severity := object.get({true: "critical"}, issuer in object.keys(_tenants), "high")
	message := sprintf("Tokens of %s for anybody there are accepted", [issuer])
}

else := {"severity": "medium", "message": message, "context": context} if {
	context := _accepted(statement, {_key(issuer, "sub"): _others_of_the_tenant(statement, issuer)})
	message := sprintf("Tokens of %s for every repository of the organization are accepted", [issuer])
}

_key(issuer, claim) := concat(":", [issuer, claim])

# A context with one of the given choices that the statement accepts; undefined where it accepts none. Where there is too much to try,
# nothing is known to be bounded.
_accepted(statement, choices) := accepted[0] if {
	accepted := sort([context |
		some context in standins.contexts(statement.conditions, choices)
		conditions.holds(statement.conditions) > -1 with input as {"request": {"context": context}}
	])
}

else := {} if not standins.contexts(statement.conditions, choices)

_witness(provider, action, attached, context) := {"principal": provider, "action": action, "resource": attached.arn, "context": context}

# What the subject of a token begins with at providers that serve everybody: behind it stands the tenant.
_tenants := {
	"token.actions.githubusercontent.com": "repo:",
	"gitlab.com": "project_path:",
	"app.terraform.io": "organization:",
	"agent.buildkite.com": "organization:",
}

# Subjects of somebody else: one that no policy names, and those that the statement's patterns match without the tenant being named.
_strangers(statement, issuer) := array.concat(_plain_strangers(issuer), [subject |
	some pattern in _subjects(statement, issuer)
	prefix := _tenants[issuer]
	regex.match(`[*?]`, _tenant(pattern, prefix))
	subject := standins.instance(regex.replace(pattern, `^([^*]*)\*`, "${1}stranger/stranger:stranger"))
])

_plain_strangers(issuer) := [null, concat("", [object.get(_tenants, issuer, ""), "stranger/stranger:ref:refs/heads/main"])]

# Subjects of repositories that the patterns match without naming them.
_others_of_the_tenant(statement, "token.actions.githubusercontent.com") := [subject |
	some pattern in _subjects(statement, "token.actions.githubusercontent.com")
	[_, tenant, repository] := regex.find_all_string_submatch_n(`^repo:([^/]*)/([^:]*)`, pattern, 1)[0]
	not regex.match(`[*?]`, tenant)
	regex.match(`[*?]`, repository)
	subject := standins.instance(pattern)
]

_tenant(pattern, prefix) := split(split(trim_prefix(pattern, prefix), "/")[0], ":")[0] if startswith(pattern, prefix)

else := pattern

_subjects(statement, issuer) := [pattern |
	some condition in statement.conditions
	condition.context_key == _key(issuer, "sub")
	some pattern in _list(condition.wanted)
	is_string(pattern)
]

_list(value) := value if is_array(value)

else := [value]
