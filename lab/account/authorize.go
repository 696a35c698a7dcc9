package account

import (
	"context"
	"maps"
	"strings"

	"cross-account-s3/policy"
)

// Anonymous is the principal of a request that nobody signed.
const Anonymous = "anonymous"

// Authorize decides whether the owner of a key, or Anonymous where key is nil, may do the action on the resource with this ARN, by
// the identity policies of the key's role and the policy of the bucket, topic, role, parameter or secret. The request has the condition
// keys that hang on the request, as aws:SecureTransport; those of principal and resource are added. It returns what was decided as well.
// Whatever is not policy.Allowed is refused.
func (w *World) Authorize(
	ctx context.Context, key *Key, action, resourceARN string, request map[string]any,
) (policy.Case, policy.Result, error) {
	resource := policy.Resource{ARN: resourceARN, AccountID: policy.AccountOf(resourceARN)}
	c := policy.Case{ID: action, Request: policy.Request{Principal: Anonymous, Action: action}}
	if key != nil {
		c.Request.Principal, c.IdentityPolicies = key.Principal, w.identityPolicies(*key)
	}
	if role, err := w.Role(resourceARN); err == nil {
		c.ResourcePolicy = []byte(role.TrustPolicy)
	}
	if document := w.sharedPolicy(resourceARN); document != nil {
		c.ResourcePolicy = document
	}
	if topic, err := w.Topic(resourceARN); err == nil && topic.Policy != "" {
		c.ResourcePolicy = []byte(topic.Policy)
	}
	if rest, isS3 := strings.CutPrefix(resourceARN, "arn:aws:s3:::"); isS3 {
		name, _, _ := strings.Cut(rest, "/")
		if bucket, err := w.Bucket(name); err == nil {
			resource.AccountID = bucket.Account
		}
		c.ResourcePolicy = w.effectivePolicy(name)
	}
	if strings.Contains(resourceARN, ":accesspoint/") {
		c.ResourcePolicy = w.accessPointPolicy(resourceARN)
	}
	if resource.AccountID == "" && key != nil {
		resource.AccountID = key.Account() // Who asks for no resource, or for a bucket that nobody has, means the own account.
	}
	aliases := []string{}
	if strings.Contains(resourceARN, ":kms:") {
		c.ResourcePolicy, aliases = w.keyPolicy(resourceARN)
	}
	c.Request.Resource = resource
	c.Request.Context = policy.ImpliedContext(c.Request.Principal, resource)
	if key != nil {
		// The role can have a path, which the session's ARN does not tell.
		c.Request.Context["aws:PrincipalArn"] = key.Role
		session := key.Principal[strings.LastIndexByte(key.Principal, '/')+1:]
		c.Request.Context["aws:userid"] = key.RoleID + ":" + session
		if id := w.organization(key.Account()); id != "" {
			c.Request.Context["aws:PrincipalOrgID"] = id
		}
	}
	// https://docs.aws.amazon.com/lambda/latest/dg/permissions-source-function-arn.html
	if key != nil && key.Function != "" {
		c.Request.Context["lambda:SourceFunctionArn"] = key.Function
	}
	// https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
	if key != nil && strings.Contains(resourceARN, ":kms:") {
		c.Request.Context["kms:CallerAccount"] = key.Account()
	}
	if len(aliases) > 0 {
		c.Request.Context["kms:ResourceAliases"] = aliases
	}
	maps.Copy(c.Request.Context, request)
	result, err := w.decider.Decide(ctx, c)
	return c, result, err
}
