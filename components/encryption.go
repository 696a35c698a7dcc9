package components

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/micahhausler/aws-iam-policy/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Encryption says what the objects of the bucket are encrypted with.
type Encryption string

// The encryptions a setting can name: S3's own keys, or a key of the data account. The key that AWS manages for S3 (aws/s3) is none of
// them, because no other account can use it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
const (
	SSES3  Encryption = "sse-s3"
	SSEKMS Encryption = "sse-kms"
)

// keyActions holds what S3 asks of KMS in the role's name for each permission on objects. Nothing is needed to delete or to list.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms
var keyActions = map[Permission]string{
	Read:  "kms:Decrypt",
	Write: "kms:GenerateDataKey",
}

// BucketKey is the key that encrypts the bucket, as far as both accounts know it before it is there.
type BucketKey struct {
	// Region is that of the key and of the bucket.
	Region string
	// AccountID is the data account.
	AccountID string
}

// viaS3 is the service that KMS has to be asked by.
func (k BucketKey) viaS3() string { return fmt.Sprintf("s3.%s.amazonaws.com", k.Region) }

// KeyAlias is the name of the bucket's key. Where a bucket's name has dots, which an alias cannot have, it has underscores.
func (a Access) KeyAlias() string { return "alias/" + strings.ReplaceAll(a.BucketName, ".", "_") }

// keyUse are the actions on the key that the permissions need; none without a key.
func (a Access) keyUse() []string {
	var actions []string
	for permission, action := range keyActions {
		if a.Key != nil && slices.Contains(a.Permissions, permission) {
			actions = append(actions, action)
		}
	}
	return actions
}

// keyGrants are the statements of the role's own policy about the key, whose id the compute account does not know: its alias tells it from
// the other keys of the account. What S3 encrypts may be decrypted through S3 alone.
// https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
func (a Access) keyGrants() []policy.Statement {
	actions := a.keyUse()
	if len(actions) == 0 {
		return nil
	}
	conditions := condition("StringEquals", "kms:ViaService", a.Key.viaS3())
	conditions["ForAnyValue:StringEquals"] = map[string]*policy.ConditionValue{
		"kms:ResourceAliases": conditionValues(a.KeyAlias()),
	}
	return []policy.Statement{{
		Sid:       "UseKey",
		Effect:    policy.EffectAllow,
		Action:    values(actions...),
		Resource:  values(fmt.Sprintf("arn:%s:kms:%s:%s:key/*", a.Partition, a.Key.Region, a.Key.AccountID)),
		Condition: conditions,
	}}
}

// keyDocument is the key's policy: the data account's own policies say who administers the key, and the role and the consumers may use it
// for the bucket, through S3. The encryption context is the bucket, or the object where somebody has switched the bucket key off for it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
func (a Access) keyDocument(roleARN string, consumers Consumers) (string, error) {
	statements := []policy.Statement{{
		Sid:       "LeaveToAccount",
		Effect:    policy.EffectAllow,
		Principal: policy.NewAWSPrincipal(fmt.Sprintf("arn:%s:iam::%s:root", a.Partition, a.Key.AccountID)),
		Action:    values("kms:*"),
		Resource:  values("*"),
	}}
	if actions := a.keyUse(); len(actions) > 0 {
		statements = append(statements, a.keyGrant("UseThroughS3", actions, roleARN))
	}
	return renderAs(consumers.id(), append(statements, consumers.keyGrants(a)...))
}

// keyGrant lets roles do something with the key for the bucket, through S3.
func (a Access) keyGrant(sid string, actions []string, roleARNs ...string) policy.Statement {
	var accounts []string
	for _, role := range roleARNs {
		parsed, err := arn.Parse(role)
		if err == nil {
			accounts = append(accounts, parsed.AccountID)
		}
	}
	conditions := condition("StringEquals", "kms:ViaService", a.Key.viaS3())
	maps.Copy(conditions["StringEquals"], condition("StringEquals", "kms:CallerAccount", distinct(accounts)...)["StringEquals"])
	maps.Copy(conditions, condition("StringLike", "kms:EncryptionContext:aws:s3:arn", a.BucketARN(), a.BucketARN()+"/*"))
	return policy.Statement{
		Sid:       sid,
		Effect:    policy.EffectAllow,
		Principal: policy.NewAWSPrincipal(slices.Sorted(slices.Values(roleARNs))...),
		Action:    values(actions...),
		Resource:  values("*"),
		Condition: conditions,
	}
}

// encryptionDenials keep every upload to the bucket's own key. An upload that says nothing of encryption gets it; one that asks for another
// algorithm, for aws:kms without a key, which is AWS's own, or for keys of its own is refused.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
func (a Access) encryptionDenials() []policy.Statement {
	if a.Key == nil {
		return nil
	}
	deny := func(sid, key string) policy.Statement {
		return policy.Statement{
			Sid:       sid,
			Effect:    policy.EffectDeny,
			Principal: policy.NewGlobalPrincipal(),
			Action:    values("s3:PutObject"),
			Resource:  values(a.BucketARN() + "/*"),
			Condition: condition("Null", key, "false"),
		}
	}
	return []policy.Statement{
		deny("DenyOtherEncryption", "s3:x-amz-server-side-encryption"),
		deny("DenyForeignKeys", "s3:x-amz-server-side-encryption-customer-algorithm"),
	}
}

// BucketEncryptionKeyArgs are the inputs of a BucketEncryptionKey.
type BucketEncryptionKeyArgs struct {
	// Access is what the role may do with the bucket; it has a Key.
	Access Access
	// Role is the function's, which may use the key, and Consumers are those who may besides.
	Role      ComputeRole
	Consumers Consumers
	// Hardening says whether the key can be lost.
	Hardening Hardening
}

// BucketEncryptionKey is the customer managed key of the bucket, with its alias and policy.
type BucketEncryptionKey struct {
	pulumi.ResourceState

	// ARN is the key's ARN.
	ARN pulumi.StringOutput
}

// NewBucketEncryptionKey registers the key, its alias and its policy.
func NewBucketEncryptionKey(
	ctx *pulumi.Context, name string, args *BucketEncryptionKeyArgs, opts ...pulumi.ResourceOption,
) (*BucketEncryptionKey, error) {
	document, err := args.Access.keyDocument(args.Role.ARN, args.Consumers)
	if err == nil {
		err = fits("the key of bucket "+args.Access.BucketName, document, mostKeyPolicy, "name fewer consumers")
	}
	if err != nil {
		return nil, err
	}
	component := &BucketEncryptionKey{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:BucketEncryptionKey", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering bucket encryption key %s: %w", name, err)
	}
	failed := func(what string, err error) (*BucketEncryptionKey, error) {
		return nil, fmt.Errorf("registering the %s of bucket %s: %w", what, args.Access.BucketName, err)
	}

	key, err := kms.NewKey(ctx, name, &kms.KeyArgs{
		Description:          pulumi.Sprintf("Encrypts the bucket %s", args.Access.BucketName),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(30),
	}, append(args.Hardening.options(), pulumi.Parent(component))...)
	if err != nil {
		return failed("encryption key", err)
	}
	if _, err := kms.NewAlias(ctx, name, &kms.AliasArgs{
		Name:        pulumi.String(args.Access.KeyAlias()),
		TargetKeyId: key.KeyId,
	}, pulumi.Parent(component)); err != nil {
		return failed("key's alias", err)
	}
	// A resource of its own, and not an input of the key: KMS keeps the role's unique id, as S3 does, so that the policy has to be written
	// again for a role that was made again, and the key must not be replaced for it. While there is no policy, KMS has the default one,
	// which leaves the key to its account.
	policy, err := kms.NewKeyPolicy(ctx, name, &kms.KeyPolicyArgs{
		KeyId:  key.KeyId,
		Policy: pulumi.String(document),
	},
		pulumi.Parent(component),
		pulumi.ReplacementTrigger(pulumi.String(args.Role.UniqueID)),
		pulumi.DeleteBeforeReplace(true),
	)
	if err != nil {
		return failed("key policy", err)
	}

	// Whoever encrypts with the key needs its policy first.
	component.ARN = pulumi.All(key.Arn, policy.ID()).ApplyT(func(known []any) string { return known[0].(string) }).(pulumi.StringOutput)
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{"arn": component.ARN}); err != nil {
		return nil, fmt.Errorf("registering the outputs of bucket encryption key %s: %w", name, err)
	}
	return component, nil
}
