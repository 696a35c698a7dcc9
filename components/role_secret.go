package components

import (
	"fmt"
	"slices"

	"github.com/micahhausler/aws-iam-policy/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// RoleSecretArgs are the inputs of a RoleSecret. But for what it tells they are plain values, so that its policies are known at preview.
type RoleSecretArgs struct {
	// Name is the secret's name.
	Name string
	// Shared is what the secret tells, as JSON.
	Shared pulumi.StringInput
	// Place is where the secret is.
	Place Place
	// Readers are the ARNs of the roles of another account that may read it; at least one.
	Readers []string
}

// RoleSecret is a secret of Secrets Manager that tells another account of the role, with a key of its own.
type RoleSecret struct {
	pulumi.ResourceState

	// ARN is the secret's ARN. It ends in six letters that Secrets Manager chose.
	ARN pulumi.StringOutput
}

// keyDocument is the policy of the secret's key: the own account's policies say who administers it, and the readers may decrypt this
// secret with it, through Secrets Manager alone. The letters behind the secret's name are not known yet.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
func (args *RoleSecretArgs) keyDocument() (string, error) {
	conditions := condition("StringEquals", "kms:ViaService", fmt.Sprintf("secretsmanager.%s.amazonaws.com", args.Place.Region))
	conditions["StringLike"] = map[string]*policy.ConditionValue{
		"kms:EncryptionContext:SecretARN": policy.NewConditionValueString(true, args.Place.arn("secretsmanager", "secret:"+args.Name+"-??????")),
	}
	return render([]policy.Statement{
		{
			Sid:       "LeaveToAccount",
			Effect:    policy.EffectAllow,
			Principal: policy.NewAWSPrincipal(fmt.Sprintf("arn:%s:iam::%s:root", args.Place.Partition, args.Place.AccountID)),
			Action:    values("kms:*"),
			Resource:  values("*"),
		},
		{
			Sid:       "ReadThroughSecretsManager",
			Effect:    policy.EffectAllow,
			Principal: args.readers(),
			Action:    values("kms:Decrypt"),
			Resource:  values("*"),
			Condition: conditions,
		},
	})
}

// secretDocument is the secret's own policy. In it, a star is this secret.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_examples_cross.html
func (args *RoleSecretArgs) secretDocument() (string, error) {
	return render([]policy.Statement{{
		Sid:       "ReadFromOtherAccount",
		Effect:    policy.EffectAllow,
		Principal: args.readers(),
		Action:    values("secretsmanager:GetSecretValue"),
		Resource:  values("*"),
	}})
}

// readers are roles, not their account as a whole: that one would decide by itself who else reads.
func (args *RoleSecretArgs) readers() *policy.Principal {
	return policy.NewAWSPrincipal(slices.Sorted(slices.Values(args.Readers))...)
}

// NewRoleSecret registers the key, the secret, its policy and what it tells. The key that AWS manages for Secrets Manager will not do, as
// no other account can use it.
func NewRoleSecret(ctx *pulumi.Context, name string, args *RoleSecretArgs, opts ...pulumi.ResourceOption) (*RoleSecret, error) {
	component := &RoleSecret{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:RoleSecret", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering role secret %s: %w", name, err)
	}
	failed := func(what string, err error) (*RoleSecret, error) {
		return nil, fmt.Errorf("registering the %s of secret %s: %w", what, args.Name, err)
	}

	keyDocument, err := args.keyDocument()
	if err != nil {
		return nil, err
	}
	// Nothing is lost with the key or the secret: the next up tells the same again. So neither waits longer than it must to be deleted, and
	// the secret's name is free at once.
	key, err := kms.NewKey(ctx, name, &kms.KeyArgs{
		Description:          pulumi.Sprintf("Encrypts the secret %s", args.Name),
		EnableKeyRotation:    pulumi.Bool(true),
		DeletionWindowInDays: pulumi.Int(7),
		Policy:               pulumi.String(keyDocument),
	}, pulumi.Parent(component))
	if err != nil {
		return failed("key", err)
	}
	secret, err := secretsmanager.NewSecret(ctx, name, &secretsmanager.SecretArgs{
		Name:                 pulumi.String(args.Name),
		Description:          pulumi.String("Tells another account of the role that uses its bucket"),
		KmsKeyId:             key.Arn,
		RecoveryWindowInDays: pulumi.Int(0),
	}, pulumi.Parent(component))
	if err != nil {
		return failed("secret", err)
	}
	secretDocument, err := args.secretDocument()
	if err != nil {
		return nil, err
	}
	if _, err := secretsmanager.NewSecretPolicy(ctx, name, &secretsmanager.SecretPolicyArgs{
		SecretArn:         secret.Arn,
		Policy:            pulumi.String(secretDocument),
		BlockPublicPolicy: pulumi.Bool(true),
	}, pulumi.Parent(component)); err != nil {
		return failed("policy", err)
	}
	if _, err := secretsmanager.NewSecretVersion(ctx, name, &secretsmanager.SecretVersionArgs{
		SecretId:     secret.ID(),
		SecretString: args.Shared.ToStringOutput(),
	}, pulumi.Parent(component)); err != nil {
		return failed("version", err)
	}

	component.ARN = secret.Arn
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{"arn": component.ARN}); err != nil {
		return nil, fmt.Errorf("registering the outputs of role secret %s: %w", name, err)
	}
	return component, nil
}
