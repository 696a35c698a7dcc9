# METADATA
# title: Evaluation
# description: How AWS decides a request from all policies that apply to it. The input is a prepared case (see `iam.preparation`).
# related_resources:
#   - description: Policy evaluation logic
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
#   - description: Cross-account policy evaluation logic
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
package iam.evaluation

import data.iam.principals
import data.iam.request
import data.iam.statements
import data.iam.unknowns

# METADATA
# title: The decision
# description: Allowed, ExplicitlyDenied, ImplicitlyDenied or Undetermined.
decision := "Allowed" if lower(request.action) == "sts:getcalleridentity"

else := "Undetermined" if _unknown_request

else := "ExplicitlyDenied" if _denied == 1

else := "Undetermined" if _denied == 0

else := "Allowed" if _allowed == 1

else := "Undetermined" if _allowed == 0

else := "ImplicitlyDenied"

# METADATA
# title: The principal has policies of its own
# description: |
#   True or undefined. For AWS services, identity providers and anonymous callers the resource policy alone decides, and service
#   control policies do not bind them.
in_account if principals.account

# METADATA
# title: Principal and resource are in the same account
# description: True or undefined.
same_account if principals.account == input.request.resource.accountId

# METADATA
# scope: document
# title: The resource policy rules over the account's
# description: |
#   True or undefined. A KMS key and a role say in their own policy whether the policies of their account count at all.
resource_policy_rules if regex.match(`^(?i:kms:.*) arn:[^:]*:kms:[^:]*:[^:]*:key/`, _action_and_resource)

resource_policy_rules if regex.match(`^(?i:sts:.*) arn:[^:]*:iam:[^:]*:[^:]*:role/`, _action_and_resource)

_action_and_resource := concat(" ", [request.action, request.resource])

_unknown_request if unknowns.unknown(concat("\n", [
	input.request.principal,
	input.request.action,
	input.request.resource.resource,
	input.request.resource.accountId,
]))

# A Deny counts wherever it stands.
_denied := max({-1} | {truth | some [_, "Deny", truth] in _effects})

_allowed := _granted if input.scp == []

else := _granted if not in_account

else := min({_granted} | {truth | some i, _ in input.scp; truth := _allow(i)})

_granted := _allow_by({"everyone", "exact", "role", "account"}) if not in_account

else := min([_allow("identity"), _limit, _allow_by({"everyone", "exact", "role", "account"})]) if not same_account

else := max([
	_allow_by({"everyone", "exact"}),
	min([_allow("role"), _limit]),
	min([_allow("identity"), _limit, _delegated]),
])

default _delegated := 1

_delegated := _allow("account") if resource_policy_rules

_limit := min([_limit_of_session, _limit_of_boundary])

default _limit_of_session := 1

_limit_of_session := _allow("session") if input.session != []

default _limit_of_boundary := 1

_limit_of_boundary := _allow_of_boundaries if input.boundary != []

_allow_of_boundaries := _allow("boundary") if count(input.boundary) == 1

# AWS attaches one boundary at most; what several that disagree would do is nobody's to say.
else := _agreed([effects | some boundary in input.boundary; effects := statements.effects([boundary])])

_agreed(boundaries) := 1 if {
	every effects in boundaries {
		["Allow", 1] in effects
	}
}

else := -1 if {
	every effects in boundaries {
		not ["Allow", 1] in effects
		not ["Allow", 0] in effects
	}
}

else := 0

_allow(whose) := 1 if [whose, "Allow", 1] in _effects

else := 0 if [whose, "Allow", 0] in _effects

else := -1

_allow_by(names) := max({-1} | {truth | some [name, "Allow", truth] in _effects; name in names})

# All effects as `[whose, effect, truth]`: whose is the layer of a policy of the principal, the position of a level of service control
# policies, or the name by which a resource policy calls the principal.
_effects := union({_own, _of_levels, _named(input.resource), _of_resource_control_policies})

_own := {[layer, effect, truth] |
	in_account
	some layer in ["identity", "session", "boundary"]
	input[layer] != []
	some [effect, truth] in statements.effects(input[layer])
}

_of_levels := {[level, effect, truth] |
	in_account
	some level, policies in input.scp
	some [effect, truth] in statements.effects(policies.documents)
}

# Resource control policies can only deny: that they allow is implied.
_of_resource_control_policies := {[name, "Deny", truth] |
	some level in input.rcp
	some [name, "Deny", truth] in _named(level.documents)
}

_named(documents) := {[name, statement.effect, min([truth, named])] |
	some document in documents
	some statement in document.statements
	truth := statements.matches(statement)
	some [name, named] in principals.names(statement)
}
