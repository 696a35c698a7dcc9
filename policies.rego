# METADATA
# title: What may never be deployed
# description: |
#   The rules. Each looks at the policies and resources of one stack or of several together, and says what is wrong with them: by what the
#   policies mean, as AWS evaluates them, and with a request that would get through as the proof. What they stand on is in policy/.
#   The input is what `pulumi preview --json --show-sames` or `pulumi stack export` writes, or an array of such.
package policies

import data.iam.agreement
import data.iam.breadth
import data.iam.escalation
import data.iam.exposure
import data.iam.transport
import data.iam.trust
import data.pulumi.attachments
import data.pulumi.canary
import data.pulumi.exceptions
import data.pulumi.findings
import data.pulumi.hardening
import data.pulumi.keys
import data.pulumi.managed
import data.pulumi.missing
import data.pulumi.outputs
import data.pulumi.stacks

# METADATA
# title: What may not be deployed
# description: The findings that block, and that no exception covers. conftest and `opa eval` ask for this.
deny contains found if {
	some found in _standing
	found.blocking
}

# METADATA
# title: What should not be deployed
# description: The findings that block nothing, and that no exception covers.
warn contains found if {
	some found in (_standing | stale_exception)
	not found.blocking
}

# METADATA
# title: What may be deployed nevertheless
# description: The findings that a reviewed exception covers, as {"finding", "owner", "reason", "expires"}.
excepted contains object.union({"finding": found}, object.filter(exception, ["owner", "reason", "expires"])) if {
	some found in finding
	exception := exceptions.covering(found)
}

_standing contains found if {
	some found in finding
	not exceptions.covering(found)
}

# METADATA
# title: Findings
# description: |
#   Everything that the rules find. A rule is about one policy at a time, about one resource and what belongs to it, or about what the
#   stacks come to together, so that much can be judged in parallel.
finding := (about_policy | about_resource) | about_stacks

# METADATA
# title: Wildcard principals
# description: |
#   A policy that lets in principals it does not name lets in whoever meets its conditions, from any account, now and later. The severity is
#   what the conditions leave: critical when a stranger's request gets through, high when only something that can be forged or shared
#   stands in its way, medium when the conditions bound the caller.
# related_resources:
#   - description: AWS JSON policy elements, Principal
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
# custom:
#   id: wildcard-principal
#   category: principal
#   remediation: Name the roles by their ARNs, or bound the caller with aws:PrincipalOrgID, aws:PrincipalArn or aws:SourceVpce.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, open.index, open.severity, message, open.witness) if {
	some attachment in attachments.known
	attachment.kind != "identity"
	some open in exposure.open_statements(attachment.policy, attachment)
	message := _wildcard_messages[open.severity]
}

# METADATA
# title: Grants to a whole account
# description: |
#   An account's id, or its root, as principal hands the decision over to that account: every principal there gets in whom its own
#   administrators allow. To the own account it only delegates, which is how it should be.
# related_resources:
#   - description: AWS account principals
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html#principal-accounts
# custom:
#   id: account-principal
#   category: principal
#   remediation: Name the roles of the other account that need access by their ARNs.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, statement.index, "medium", message, null) if {
	some attachment in attachments.known
	attachment.kind != "identity"
	some statement in findings.allows(attachment)
	some account in exposure.whole_accounts(attachment.document, statement, attachment)
	account != attachment.account
	message := sprintf("The statement allows everybody whom account %s itself allows", [account])
}

# METADATA
# title: Principals that are gone
# description: |
#   An id that begins with AROA or AIDA stands where the ARN of a role or user stood that has been deleted since. Nobody is let in by it,
#   or kept out, also not a new role of the same name.
# related_resources:
#   - description: IAM unique identifiers
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
# custom:
#   id: dead-principal
#   category: principal
#   remediation: Put the ARN of the role or user that is meant in the place of the id, or remove the statement.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, statement.index, "high", message, null) if {
	some attachment in attachments.known
	some statement in findings.statements(attachment)
	some ["AWS", name] in statement.principal.names
	regex.match(`^(AROA|AIDA)[A-Z0-9]+$`, name)
	message := sprintf("The principal %s is the id of a role or user that has been deleted", [name])
}

# METADATA
# title: Secure transport
# description: |
#   Every request over plain http has to be denied, for every principal, action and resource, whatever else the policy says. An Allow that
#   asks for https does not do it: principals of the bucket's own account get through by their own policies.
# related_resources:
#   - description: Security best practices for Amazon S3
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit
# custom:
#   id: secure-transport
#   category: transport
#   severity: high
#   remediation: 'Deny Principal "*" every action on it and on all within it, with the one condition Bool aws:SecureTransport "false".'
about_policy contains findings.on_policy(rego.metadata.rule(), attachment, "high", message, witness) if {
	some attachment in attachments.known
	surface := transport.surface(attachment)
	witness := transport.not_refused(attachment.document, surface, _plain_http)
	message := sprintf("Not every request over plain http is denied: %s is not", [witness.action])
}

# METADATA
# title: TLS version
# description: Requests over TLS older than 1.2 have to be denied, for every principal, action and resource.
# related_resources:
#   - description: Security best practices for Amazon S3
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit
# custom:
#   id: tls-version
#   category: transport
#   severity: medium
#   remediation: 'Deny Principal "*" every action on bucket and objects, with the one condition NumericLessThan s3:TlsVersion "1.2".'
about_policy contains findings.on_policy(rego.metadata.rule(), attachment, "medium", message, witness) if {
	some attachment in attachments.known
	attachment.kind == "bucket"
	surface := transport.surface(attachment)
	witness := transport.not_refused(attachment.document, surface, _old_tls)
	message := sprintf("Not every request over TLS older than 1.2 is denied: %s is not", [witness.action])
}

# METADATA
# title: Overly broad actions
# description: |
#   A wildcard in an allowed action also allows what nobody thought of, and what AWS adds later. The severity is the worst that the pattern
#   covers: critical where it hands over permissions, high where it writes, medium where it reads.
# related_resources:
#   - description: AWS JSON policy elements, Action
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
# custom:
#   id: broad-actions
#   category: action
#   remediation: Name the actions that are needed, one by one.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, statement.index, broad.severity, broad.message, null) if {
	some attachment in attachments.known
	attachment.kind != "trust"
	some statement in findings.allows(attachment)
	not exposure.only_delegates(statement, attachment)
	some broad in breadth.patterns(statement)
}

# METADATA
# title: Actions that hand over control
# description: |
#   Some actions let whoever has them take every other permission: they change who may do what, or run code as somebody else. No
#   execution role and no grant to another account should have them.
# related_resources:
#   - description: Access level summaries
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_understand-policy-summary-access-level-summaries.html
# custom:
#   id: control-actions
#   category: action
#   remediation: Remove the action, and leave it to the roles that administer the account.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, statement.index, "high", message, null) if {
	some attachment in attachments.known
	attachment.kind != "trust"
	some statement in findings.allows(attachment)
	not exposure.only_delegates(statement, attachment)
	some action in breadth.controlling(statement, attachment.document)
	message := sprintf("%s hands over control", [action])
}

# METADATA
# title: Broad resources
# description: An action that could be kept to certain resources and is allowed on all of them reaches what nobody thought of.
# related_resources:
#   - description: Grant least privilege access
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#grant-least-privilege
# custom:
#   id: broad-resources
#   category: resource
#   severity: medium
#   remediation: Name the resources by their ARNs, with wildcards behind the name at most.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, statement.index, "medium", message, null) if {
	some attachment in attachments.known
	attachment.kind != "trust"
	some statement in findings.allows(attachment)
	covered := breadth.broad(statement, attachment.kind)
	count(covered) > 0
	message := sprintf("%s is allowed on every resource", [concat(", ", sort(covered))])
}

# METADATA
# title: Actions on resources that they cannot have
# description: |
#   An action on a bucket does nothing on the objects in it, and the other way round. Such a statement allows less than whoever wrote it
#   thinks, until somebody widens it.
# related_resources:
#   - description: Policy actions of Amazon S3
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
# custom:
#   id: misplaced-action
#   category: resource
#   severity: medium
#   remediation: Put actions on the bucket beside the bucket's ARN, and actions on objects beside that with /* behind it.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, statement.index, "medium", message, null) if {
	some attachment in attachments.known
	attachment.kind in {"identity", "bucket", "accessPoint"}
	some statement in findings.allows(attachment)
	some action in breadth.misplaced(statement)
	message := sprintf("%s is never done on any of the statement's resources", [action])
}

# METADATA
# title: Unknown actions
# description: An action that AWS does not have, as one that is misspelt, allows and denies nothing.
# related_resources:
#   - description: Actions, resources, and condition keys for AWS services
#     ref: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
# custom:
#   id: unknown-action
#   category: action
#   severity: low
#   remediation: Look the action up in the service authorization reference.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, statement.index, "low", message, null) if {
	some attachment in attachments.known
	some statement in findings.statements(attachment)
	some action in breadth.unknown(statement)
	message := sprintf("The action catalogue has no %s", [action])
}

# METADATA
# title: Confused deputies
# description: |
#   A service that may use a resource for anybody does so for strangers too, unless the policy says for whose resources it may: S3 in the
#   name of a bucket as well, because a bucket's name does not tell its account.
# related_resources:
#   - description: The confused deputy problem
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
# custom:
#   id: confused-deputy
#   category: deputy
#   severity: medium
#   remediation: Add the condition StringEquals aws:SourceAccount, and ArnLike aws:SourceArn where the source is known.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, deputy.index, "medium", message, deputy.witness) if {
	some attachment in attachments.known
	not attachment.kind in {"identity", "trust"}
	some deputy in exposure.deputies(attachment.policy, attachment)
	message := sprintf("%s may do this for anybody", [deputy.service])
}

# METADATA
# title: Web identities
# description: |
#   A provider of web identities, as GitHub, signs tokens for everybody who is there. A role is for those whose tokens have the audience and
#   the subject that its trust policy asks for; of GitHub, the subject has to name organization and repository.
# related_resources:
#   - description: Create a role for OpenID Connect federation
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_oidc.html
# custom:
#   id: web-identity
#   category: trust
#   remediation: Ask for the audience and for the subject, with the conditions StringEquals or StringLike on the provider's :aud and :sub.
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, open.index, open.severity, open.message, open.witness) if {
	some attachment in attachments.known
	attachment.kind == "trust"
	some open in trust.web_identities(attachment.document, attachment)
}

# METADATA
# title: SAML audience
# description: |
#   A SAML assertion is for a service, its audience. A trust policy that does not ask for that of AWS takes assertions that were made for
#   another service of the same provider.
# related_resources:
#   - description: Create a role for SAML 2.0 federation
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-idp_saml.html
# custom:
#   id: saml-audience
#   category: trust
#   severity: medium
#   remediation: Add the condition StringEquals SAML:aud "https://signin.aws.amazon.com/saml".
about_policy contains findings.on_statement(rego.metadata.rule(), attachment, open.index, "medium", message, open.witness) if {
	some attachment in attachments.known
	attachment.kind == "trust"
	some open in trust.saml(attachment.document, attachment)
	message := sprintf("Assertions of %s for any service are accepted", [open.provider])
}

# METADATA
# title: Policies that could not be judged
# description: |
#   A policy that is not known yet, is a secret, or is not a policy that AWS would take has not been judged, and what has not been judged is
#   not allowed.
# related_resources:
#   - description: Grammar of the IAM JSON policy language
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
# custom:
#   id: undetermined
#   category: integrity
#   severity: high
#   remediation: Build the policy from values that are known at preview, as names and account ids, and look at it as AWS would.
about_policy contains findings.on_policy(rego.metadata.rule(), attachment, "high", message, null) if {
	some attachment in attachments.read
	message := {
		"unknown": "The policy is not known yet, or is a secret, so that it could not be judged",
		"malformed": "The policy is not one that AWS would take, so that it could not be judged",
	}[attachment.state]
}

# METADATA
# title: Policies with too much to try
# description: |
#   A policy is judged by trying every combination of what its conditions look at. One with more combinations than can be tried has not
#   been judged.
# related_resources:
#   - description: AWS JSON policy elements, Condition
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
# custom:
#   id: too-complex
#   category: integrity
#   severity: high
#   remediation: Deny plain http and old TLS in statements with that one condition.
about_policy contains findings.on_policy(rego.metadata.rule(), attachment, "high", message, null) if {
	some attachment in attachments.known
	surface := transport.surface(attachment)
	some choices in [_plain_http, _old_tls]
	transport.undecided(attachment.document, surface, choices)
	message := "The Deny statements look at too many values together to be judged"
}

# METADATA
# title: Policies that are missing
# description: A bucket, queue or topic without a policy answers requests over plain http to whoever is allowed by a policy of their own.
# related_resources:
#   - description: Security best practices for Amazon S3
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html#transit
# custom:
#   id: missing-policy
#   category: transport
#   severity: high
#   remediation: Give it a policy that denies plain http.
about_resource contains findings.on_resource(rego.metadata.rule(), missed.resource, "high", message) if {
	some missed in missing.policies
	message := sprintf("The %s %s has no policy", [missed.kind, missed.name])
}

# METADATA
# title: Hardening of the bucket
# description: What protects a bucket besides its policy, and is worth having on every one.
# related_resources:
#   - description: Security best practices for Amazon S3
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
# custom:
#   id: bucket-hardening
#   category: hardening
#   remediation: Block public access, let the bucket's owner own its objects, encrypt them, and keep versions.
about_resource contains findings.on_resource(rego.metadata.rule(), lack.bucket, lack.severity, lack.message) if {
	some lack in hardening.missing
}

# METADATA
# title: Broad policies of AWS
# description: |
#   The policies that AWS itself offers are made for people with a whole area of work, and grow with its services. One that is attached to a
#   role gives it all of that. The severity is as for broad actions: critical where it hands over permissions, high where it writes, medium
#   where it reads.
# related_resources:
#   - description: AWS managed policy reference
#     ref: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
# custom:
#   id: managed-policy
#   category: action
#   remediation: Give the role a policy of its own, with the actions and resources that it needs.
about_resource contains findings.on_resource(rego.metadata.rule(), attached.resource, attached.severity, attached.message) if {
	some attached in managed.broad
}

# METADATA
# title: Privilege escalation
# description: |
#   Actions that are harmless one by one can come to more together: who may pass a role to a service, and have the service run what one
#   likes, acts as that role. All statements and policies of a role are looked at together. It is critical where any role can be taken, high
#   where certain ones can.
# related_resources:
#   - description: Grant permissions to pass a role to an AWS service
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
# custom:
#   id: privilege-escalation
#   category: action
#   remediation: Take one of the actions away, or let iam:PassRole be for another service only, with the condition iam:PassedToService.
about_stacks contains findings.on_policy(rego.metadata.rule(), one.role, one.severity, message, one.witness) if {
	some one in escalation.found
	message := sprintf("%s together let the role act as another, through %s", [concat(" and ", one.actions), one.through])
}

# METADATA
# title: Agreement of the two halves
# description: |
#   A grant across accounts works only where the role's own policies and the bucket's policy both allow it; through an access point, the
#   policy of that as well. What only one half allows does not work, and lies there for the day when somebody widens the other.
# related_resources:
#   - description: Cross-account policy evaluation logic
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
# custom:
#   id: one-sided-grant
#   category: agreement
#   severity: medium
#   remediation: Let both halves allow the same actions on the same resources, or neither.
about_stacks contains findings.on_policy(rego.metadata.rule(), one.bucket, "medium", message, one.witness) if {
	some one in agreement.one_sided
	message := {
		"bucket": sprintf("%s may %s by its own policies, but the %s does not let it", [one.role.arn, one.action, one.policy]),
		"role": sprintf("The %s lets %s %s, but the role's own policies do not", [one.policy, one.role.arn, one.action]),
	}[one.half]
}

# METADATA
# title: Roles that are named but not there
# description: |
#   A bucket policy that names another role than the stack of the role's account makes lets nobody in, or AWS refuses it. ARNs differ
#   by a letter, its case, the path, the account or the partition. Where it names a role of that stack too, others are taken for those of
#   stacks that are not given.
# related_resources:
#   - description: IAM ARNs
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
# custom:
#   id: other-role
#   category: agreement
#   severity: high
#   remediation: Name the role by the ARN that its stack exports.
about_stacks contains findings.on_statement(rego.metadata.rule(), one.bucket, one.index, "high", message, null) if {
	some one in agreement.strangers
	message := _stranger_message(one)
}

# METADATA
# title: Keys that leave a role out
# description: |
#   S3 asks KMS in the name of whoever reads or writes an object. Where a key of one's own encrypts the bucket, the role needs
#   kms:Decrypt or kms:GenerateDataKey too: from another account by the key policy and by its own policies, or it is refused whatever
#   the bucket policy says.
# related_resources:
#   - description: Allowing users in other accounts to use a KMS key
#     ref: https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
# custom:
#   id: key-agreement
#   category: agreement
#   severity: medium
#   remediation: Allow the action on the key in the half that is named, to this role and through S3 alone.
about_stacks contains findings.on_resource(rego.metadata.rule(), refused.resource, "medium", refused.message) if {
	some refused in keys.refused
}

# METADATA
# title: Stale outputs
# description: |
#   The data stack names the role that it has read from the outputs of the compute stack. Where these are empty or of another role than the
#   one that is there, or have changed since, its bucket policy is for somebody else.
# related_resources:
#   - description: Stack outputs and references
#     ref: https://www.pulumi.com/docs/iac/concepts/stacks/#stackreferences
# custom:
#   id: stale-output
#   category: agreement
#   severity: high
#   remediation: Run pulumi up for the compute stack, then for the data stack.
about_stacks contains findings.on_resource(rego.metadata.rule(), stale.resource, "high", stale.message) if {
	some stale in outputs.stale
}

# METADATA
# title: Canary
# description: |
#   With every run, a policy is judged that has to be refused. Rules that let it pass have been edited or broken, so that what else they let
#   pass has not been judged.
# related_resources:
#   - description: Policy testing
#     ref: https://www.openpolicyagent.org/docs/policy-testing
# custom:
#   id: canary
#   category: integrity
#   severity: high
#   remediation: Put the rules back as they were, and run their tests.
about_stacks contains findings.on_file(rego.metadata.rule(), {"path": ""}, "high", message) if {
	some rule in canary.silent
	message := sprintf("The rule %s lets a policy pass that has to be refused", [rule])
}

# METADATA
# title: Nothing to judge
# description: A file in which there is no policy at all is more likely the wrong file, or half of one, than a stack that needs none.
# related_resources:
#   - description: pulumi preview
#     ref: https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/
# custom:
#   id: nothing-judged
#   category: integrity
#   severity: high
#   remediation: Give the JSON of a preview made with --show-sames, or of an export, of a stack that has been deployed.
about_stacks contains findings.on_file(rego.metadata.rule(), file, "high", message) if {
	some file in stacks.files
	not _judged(file)
	message := "There is no policy in the file, so that nothing was judged"
}

# METADATA
# title: Previews that are not whole
# description: A preview that failed, or that leaves out what does not change, shows only a part of what will be there.
# related_resources:
#   - description: pulumi preview
#     ref: https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/
# custom:
#   id: incomplete-preview
#   category: integrity
#   severity: high
#   remediation: Mend what the preview fails with, and make it with --show-sames.
about_stacks contains findings.on_file(rego.metadata.rule(), file, "high", message) if {
	some file in stacks.files
	some message in stacks.incomplete(file.contents)
}

# METADATA
# title: Exceptions that say too little
# description: |
#   A finding can be let pass by an exception that names the rule, the resource and the fingerprint of the finding, who answers for it, why,
#   and until when. One that leaves any of it out lets nothing pass.
# related_resources:
#   - description: NIST SP 800-53, CA-5, Plan of action and milestones
#     ref: https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final
# custom:
#   id: malformed-exception
#   category: integrity
#   severity: high
#   remediation: Say in exceptions.yaml what is missing, or remove the exception.
about_stacks contains findings.on_file(rego.metadata.rule(), {"path": ""}, "high", message) if {
	some message in exceptions.malformed
}

# METADATA
# title: Exceptions that are no longer needed
# description: |
#   An exception that has expired, or whose finding is gone, lets nothing pass any more. One that covers another policy than the one that is
#   there now has to be reviewed again: the policy means something else since.
# related_resources:
#   - description: NIST SP 800-53, CA-5, Plan of action and milestones
#     ref: https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final
# custom:
#   id: stale-exception
#   category: exception
#   severity: low
#   remediation: Remove the exception from exceptions.yaml, or review what is found now and put its fingerprint there.
stale_exception contains findings.on_exception(rego.metadata.rule(), stale, "low", stale.message) if {
	some stale in exceptions.stale(finding)
}

# What requests over a connection that has to be refused tell of it. Without TLS there is no version of it.
_plain_http := {"aws:securetransport": ["false"], "s3:tlsversion": [null]}

_old_tls := {"aws:securetransport": ["true"], "s3:tlsversion": ["1.0", "1.1"]}

_wildcard_messages := {
	"critical": "The statement allows principals that it does not name, and a stranger gets through",
	"high": "The statement allows principals that it does not name, and only something that a stranger can forge or share stands in the way",
	"medium": "The statement allows principals that it does not name; its conditions bound who that can be",
}

_stranger_message(one) := sprintf("The statement names %s, which no stack makes", [one.named]) if one.near == ""

else := sprintf("The statement names %s, but the role is %s", [one.named, one.near])

_judged(file) if {
	some state in stacks.states(file.contents)
	state.urn in _with_attachment
}

_with_attachment contains attachment.urn if some attachment in attachments.found
