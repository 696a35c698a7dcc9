# METADATA
# title: Access points
# description: The access points of the stacks, with their policies and the buckets that they lead to.
# related_resources:
#   - description: Managing access to shared datasets with access points
#     ref: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points.html
package pulumi.points

import data.pulumi.attachments
import data.pulumi.stacks

# METADATA
# title: What was found
# description: |
#   Each policy of an access point as {"name", "account", "bucket", "origin", "policy"}: the bucket is its ARN, the origin where requests
#   have to come from, Internet or VPC, and the policy an attachment that is not read yet.
found := [object.union(point, {"policy": attachment}) |
	some attachment in attachments.found
	attachment.kind == "accessPoint"
	some point in _points_by_name[_called(regex.replace(attachment.arn, `^.*/`, ""), attachment.account)]
]

# Names of access points are unique within an account and a region.
_called(name, account) := concat("/", [account, name])

# It is worked out once, not anew for each name that is asked for.
# regal ignore:prefer-set-or-object-rule
_points_by_name := {called: points |
	some one in _points
	called := _called(one.name, one.account) # regal ignore:comprehension-term-assignment
	points := {point | some point in _points; _called(point.name, point.account) == called}
}

_points := [{"name": name, "account": resource.account, "bucket": bucket, "origin": _origin(resource.inputs)} |
	some resource in stacks.of_type("aws:s3/accessPoint:AccessPoint")
	name := object.get(resource.inputs, "name", resource.name)
	bucket := concat("", ["arn:", resource.partition, ":s3:::", stacks.bucket_name(resource)])
]

_origin(inputs) := "VPC" if inputs.vpcConfiguration

else := "Internet"
