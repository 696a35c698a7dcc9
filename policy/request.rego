# METADATA
# title: The request
# description: What the rest of the evaluator needs to know of `input.request`, worked out once for each decision.
# related_resources:
#   - description: The request context
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/intro-structure.html#intro-structure-request
package iam.request

import data.iam.arns

# METADATA
# title: The action
# description: Service prefix and name.
action := input.request.action

# METADATA
# title: The resource
# description: Its ARN, or `*` for an action that has none.
resource := input.request.resource.resource

# METADATA
# scope: document
# title: The kind of the resource's ARN
# description: As `iam.arns.kind` has it.
default resource_kind := "plain"

resource_kind := arns.kind(resource)

# METADATA
# title: The values of the condition keys
# description: Their names in lower case, as IAM does not regard it.
context := {lower(key): value | some key, value in input.request.context}
