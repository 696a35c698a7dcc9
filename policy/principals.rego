# METADATA
# title: Principals
# description: |
#   Whether the Principal or NotPrincipal element of a statement means the principal of the request, and by which name. The name
#   matters: within an account, naming a user or session is a grant, naming the role a limited one, naming the account none by itself.
# related_resources:
#   - description: IAM JSON policy elements, Principal
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
#   - description: IAM JSON policy elements, NotPrincipal
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
package iam.principals

import data.iam.unknowns

# METADATA
# title: The account of the principal
# description: Undefined for an AWS service, an identity provider and an anonymous request.
account := _arn[4] if not regex.match(`^(?:oidc|saml)-provider/`, _arn[5])

else := input.request.principal if regex.match("^[0-9]{12}$", input.request.principal)

# METADATA
# scope: document
# title: What the principal is
# description: |
#   One of session (of an assumed role), role, user, federated (a session of a federated user), root, account (a bare account id),
#   provider (of web or SAML identities), service, anonymous; undefined for an ARN of anything else.
kind := _kinds[_type_and_name[0]] if startswith(input.request.principal, "arn:")

kind := "anonymous" if input.request.principal in {"anonymous", "*"}

kind := "account" if regex.match(`^[0-9]{12}$`, input.request.principal)

kind := "service" if {
	contains(input.request.principal, ".")
	not startswith(input.request.principal, "arn:")
}

# METADATA
# title: By which names the statement means the principal
# description: |
#   A set of `[name, truth]`, where name is everyone, exact, role or account, and truth 1 or 0 (not settled). Empty where the statement
#   is not about the principal. A statement without the element, as all of an identity policy are, is about everyone.
names(statement) := {["everyone", 1]} if statement.principal.names == "everyone"

else := _named(statement.principal.names) if statement.principal.covers

else := {["everyone", truth] |
	truth := 0 - _exempt(_named(statement.principal.names))
	truth > -1
} if {
	statement.effect == "Deny"
}

# AWS advises against NotPrincipal with Allow and does not say whom it lets in.
else := {["everyone", 0]}

# The components of the principal's ARN.
_arn := split(input.request.principal, ":")

# For a session the name is that of the role, with the session's own behind it; a root has none.
_type_and_name := split(_arn[5], "/")

_kinds := {
	"assumed-role": "session",
	"role": "role",
	"user": "user",
	"federated-user": "federated",
	"root": "root",
	"oidc-provider": "provider",
	"saml-provider": "provider",
}

_named(names) := {name |
	some [type, text] in names
	name := _name(type, text)
}

_name("AWS", text) := ["everyone", 1] if text == "*"

else := [_own_name, 1] if {
	text == input.request.principal
	account
}

else := ["role", 1] if {
	startswith(text, _role_prefix)
	endswith(text, _role_suffix)
}

else := ["account", 1] if text in _account_names

else := ["everyone", 0] if unknowns.unknown(text)

else := [_unsettled("AWS", text), 0]

_name(type, text) := ["exact", 1] if {
	type != "AWS"
	text == input.request.principal
}

else := ["everyone", 0] if {
	type != "AWS"
	unknowns.unknown(text)
}

else := [_unsettled(type, text), 0] if type != "AWS"

# What it is to be named by the very text of the request's principal.
_own_name := object.get({"role": "role", "root": "account", "account": "account"}, kind, "exact")

_account_names := {account, _root} if _arn[5]

else := {account, concat("", ["arn:aws:iam::", account, ":root"])}

_root := concat("", ["arn:", _arn[1], ":iam::", account, ":root"])

# What the ARN of the role behind a session begins and ends with: its path is not told.
_role_prefix := concat("", ["arn:", _arn[1], ":iam::", _arn[4], ":role/"]) if _type_and_name[0] == "assumed-role"

_role_suffix := concat("", ["/", _type_and_name[1]])

# AWS does not regard the letter case of a role's name when it makes one, and does not say how it matches it.
_unsettled("AWS", text) := "role" if {
	startswith(lower(text), lower(_role_prefix))
	endswith(lower(text), lower(_role_suffix))
}

else := "role" if {
	kind == "role"
	lower(text) == lower(input.request.principal)
}

else := "exact" if {
	kind in {"user", "session", "federated"}
	lower(text) == lower(input.request.principal)
	endswith(text, concat("", ["/", _last_name]))
}

else := "account" if {
	lower(text) == lower(_root)
}

# The unique id of a role or user that has been deleted, or that AWS shows in place of one.
else := "role" if {
	kind in {"session", "role"}
	regex.match(`^AROA[A-Z0-9]+$`, text)
}

else := "exact" if {
	kind == "user"
	regex.match(`^AIDA[A-Z0-9]+$`, text)
}

# A federated user's session acts for the user, who may be named instead.
else := "exact" if {
	kind == "federated"
	text == concat("", ["arn:", _arn[1], ":iam::", account, ":user/", _last_name])
}

_unsettled("Service", "*") := "everyone" if kind == "service"

# The canonical id of an account, which only S3 knows.
_unsettled("CanonicalUser", _) := "exact" if account

_last_name := _type_and_name[count(_type_and_name) - 1]

# Whether NotPrincipal exempts the principal. For a session, account, role and session must be listed. For a user AWS asks for account
# and user, and says that it depends on the service what one of the two does.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
_exempt(names) := -1 if _bounded

else := 1 if ["everyone", 1] in names

else := 1 if {
	every name in _to_be_listed {
		[name, 1] in names
	}
}

else := 0 if {
	every name in _to_be_listed {
		some [listed, _] in names
		listed in {name, "everyone"}
	}
}

else := 0 if {
	kind in {"user", "federated"}
	count(names) > 0
}

else := -1

_to_be_listed := object.get(
	{
		"session": {"account", "role", "exact"},
		"role": {"account", "role"},
		"user": {"account", "exact"},
		"federated": {"account", "exact"},
		"root": {"account"},
		"account": {"account"},
	},
	kind, {"exact"},
)

# A Deny with NotPrincipal reaches everyone who has a permissions boundary, whomever it exempts.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
_bounded if {
	kind in {"user", "role", "session"}
	count(input.boundary) > 0
}
