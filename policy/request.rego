# METADATA
# title: The request
# description: What the rest of the evaluator needs to know of `input.request`, worked out once for each decision.
# related_resources:
#   - description: The request context
#     ref: https://docs.aws.amazon.com/IAM/latest/UserGuide/intro-structure.html#intro-structure-request
package iam.request

import data.iam.arns

# METADATA
# title: The action, in lower case
# description: Service prefix and name; IAM does not regard their letter case.
action := lower(input.request.action)

# METADATA
# title: The service prefix of the action, in lower case
service := split(action, ":")[0]

# METADATA
# title: The resource's ARN, taken apart
# description: Undefined for a request that has no resource and is authorized for `*`.
resource := arns.parse(input.request.resource.resource)

# METADATA
# title: The values of the condition keys
# description: Their names in lower case, as IAM does not regard it.
context := {lower(key): value | some key, value in input.request.context}
