package provider

import (
	"context"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"cross-account-s3/lab/account"
)

// https://www.pulumi.com/registry/packages/aws/api-docs/ssm/parameter/
//
// The lab has parameters of the type String, which are no secrets.
type ssmParameter struct {
	Name          string            `json:"name" lab:"name"`
	Type          string            `json:"type" lab:"required"`
	Tier          string            `json:"tier" default:"\"Standard\""`
	InsecureValue string            `json:"insecureValue" lab:"required"`
	Description   string            `json:"description,omitempty"`
	Tags          map[string]string `json:"tags,omitempty"`
}

func (p *ssmParameter) arn(s *session, name string) string {
	return (&account.Parameter{Account: s.account, Region: s.region, Name: name}).ARN()
}

func (p *ssmParameter) put(ctx context.Context, s *session, create bool) (string, error) {
	if p.Type != "String" || p.Tier != "Standard" && p.Tier != "Advanced" {
		return p.Name, &account.Error{Code: "UnsupportedParameterType", Message: "the lab has parameters of the type String, of the tiers " +
			"Standard and Advanced, and not of " + p.Type + ", " + p.Tier}
	}
	if err := s.may(ctx, "ssm:PutParameter", p.arn(s, p.Name)); err != nil {
		return p.Name, err
	}
	return p.Name, s.world.PutParameter(account.Parameter{
		Account: s.account, Region: s.region, Name: p.Name, Description: p.Description, Advanced: p.Tier == "Advanced", Value: p.InsecureValue,
		Tags: p.Tags,
	}, create)
}

func (p *ssmParameter) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	arn := p.arn(s, id)
	if err := s.may(ctx, "ssm:GetParameter", arn); err != nil {
		return nil, err
	}
	stored, err := s.world.Parameter(arn)
	if err != nil {
		return nil, err
	}
	*p = ssmParameter{
		Name: stored.Name, Type: "String", Tier: "Standard", InsecureValue: stored.Value, Description: stored.Description, Tags: stored.Tags,
	}
	if stored.Advanced {
		p.Tier = "Advanced"
	}
	return map[string]any{
		"arn": arn, "value": stored.Value, "version": stored.Version, "dataType": "text", "tagsAll": tags(stored.Tags),
	}, nil
}

func (p *ssmParameter) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "ssm:DeleteParameter", p.arn(s, id)); err != nil {
		return err
	}
	return s.world.DeleteParameter(p.arn(s, id))
}

// https://www.pulumi.com/registry/packages/aws/api-docs/ram/resourceshare/
type resourceShare struct {
	Name                    string            `json:"name" lab:"required"`
	AllowExternalPrincipals bool              `json:"allowExternalPrincipals" default:"false"`
	Tags                    map[string]string `json:"tags,omitempty"`
}

func (r *resourceShare) put(ctx context.Context, s *session, create bool) (string, error) {
	share := account.ResourceShare{
		Account: s.account, Region: s.region, Name: r.Name, External: r.AllowExternalPrincipals, Tags: r.Tags,
	}
	if create {
		if err := s.may(ctx, "ram:CreateResourceShare", "*"); err != nil {
			return "", err
		}
		made, err := s.world.CreateResourceShare(share)
		return made.ARN(), err
	}
	share.ID = s.id[strings.LastIndexByte(s.id, '/')+1:]
	if err := s.may(ctx, "ram:UpdateResourceShare", s.id); err != nil {
		return s.id, err
	}
	return s.id, s.world.UpdateResourceShare(share)
}

func (r *resourceShare) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	if err := s.may(ctx, "ram:GetResourceShares", "*"); err != nil {
		return nil, err
	}
	stored, err := s.world.ResourceShare(id)
	if err != nil {
		return nil, err
	}
	*r = resourceShare{Name: stored.Name, AllowExternalPrincipals: stored.External, Tags: stored.Tags}
	return map[string]any{"arn": id, "tagsAll": tags(stored.Tags)}, nil
}

func (r *resourceShare) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "ram:DeleteResourceShare", id); err != nil {
		return err
	}
	return s.world.DeleteResourceShare(id)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/ram/resourceassociation/
type resourceAssociation struct {
	ResourceARN      string `json:"resourceArn" lab:"required,replaces"`
	ResourceShareARN string `json:"resourceShareArn" lab:"required,replaces"`
}

func (a *resourceAssociation) put(ctx context.Context, s *session, _ bool) (string, error) {
	id := a.ResourceShareARN + "," + a.ResourceARN
	if err := s.may(ctx, "ram:AssociateResourceShare", a.ResourceShareARN); err != nil {
		return id, err
	}
	return id, s.world.ShareResource(a.ResourceShareARN, a.ResourceARN)
}

func (a *resourceAssociation) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	a.ResourceShareARN, a.ResourceARN, _ = strings.Cut(id, ",")
	share, err := s.associated(ctx, a.ResourceShareARN)
	if err == nil {
		if _, has := share.Resources[a.ResourceARN]; !has {
			err = notAssociated(id)
		}
	}
	return nil, err
}

func (a *resourceAssociation) remove(ctx context.Context, s *session, _ string) error {
	if err := s.may(ctx, "ram:DisassociateResourceShare", a.ResourceShareARN); err != nil {
		return err
	}
	return s.world.UnshareResource(a.ResourceShareARN, a.ResourceARN)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/ram/principalassociation/
type principalAssociation struct {
	Principal        string `json:"principal" lab:"required,replaces"`
	ResourceShareARN string `json:"resourceShareArn" lab:"required,replaces"`
}

func (a *principalAssociation) put(ctx context.Context, s *session, _ bool) (string, error) {
	id := a.ResourceShareARN + "," + a.Principal
	if err := s.may(ctx, "ram:AssociateResourceShare", a.ResourceShareARN); err != nil {
		return id, err
	}
	return id, s.world.ShareWith(a.ResourceShareARN, a.Principal)
}

func (a *principalAssociation) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	a.ResourceShareARN, a.Principal, _ = strings.Cut(id, ",")
	share, err := s.associated(ctx, a.ResourceShareARN)
	if err == nil {
		if _, has := share.Principals[a.Principal]; !has {
			err = notAssociated(id)
		}
	}
	return nil, err
}

func (a *principalAssociation) remove(ctx context.Context, s *session, _ string) error {
	if err := s.may(ctx, "ram:DisassociateResourceShare", a.ResourceShareARN); err != nil {
		return err
	}
	return s.world.UnshareWith(a.ResourceShareARN, a.Principal)
}

func (s *session) associated(ctx context.Context, shareARN string) (account.ResourceShare, error) {
	if err := s.may(ctx, "ram:GetResourceShareAssociations", "*"); err != nil {
		return account.ResourceShare{}, err
	}
	return s.world.ResourceShare(shareARN)
}

func notAssociated(id string) error {
	return &account.Error{Code: "UnknownResourceException", Message: "there is no association " + id}
}

// https://www.pulumi.com/registry/packages/aws/api-docs/secretsmanager/secret/
//
// The lab encrypts secrets with a key of the account, and deletes them at once.
type secret struct {
	Name                        string            `json:"name" lab:"name"`
	Description                 string            `json:"description,omitempty"`
	KMSKeyID                    string            `json:"kmsKeyId" lab:"required"`
	RecoveryWindowInDays        int               `json:"recoveryWindowInDays" lab:"local" default:"30"`
	ForceOverwriteReplicaSecret bool              `json:"forceOverwriteReplicaSecret" lab:"local" default:"false"`
	Tags                        map[string]string `json:"tags,omitempty"`
}

func (c *secret) put(ctx context.Context, s *session, create bool) (string, error) {
	if c.RecoveryWindowInDays != 0 {
		return s.id, &account.Error{Code: "InvalidParameterException", Message: "the lab deletes secrets at once; set recoveryWindowInDays to 0"}
	}
	key, err := s.world.FindKMSKey(s.account, s.region, c.KMSKeyID)
	if err != nil {
		return s.id, err
	}
	if !create {
		if err := s.may(ctx, "secretsmanager:UpdateSecret", s.id); err != nil {
			return s.id, err
		}
		return s.id, s.world.ChangeSecret(s.id, func(stored *account.Secret) {
			stored.Description, stored.Key, stored.Tags = c.Description, key.ARN(), c.Tags
		})
	}
	wanted := account.Secret{Account: s.account, Region: s.region, Name: c.Name, Description: c.Description, Key: key.ARN(), Tags: c.Tags}
	if err := s.may(ctx, "secretsmanager:CreateSecret", wanted.ARN()); err != nil {
		return "", err
	}
	made, err := s.world.CreateSecret(wanted)
	return made.ARN(), err
}

func (c *secret) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	stored, err := s.describe(ctx, "secretsmanager:DescribeSecret", id)
	if err != nil {
		return nil, err
	}
	*c = secret{Name: stored.Name, Description: stored.Description, KMSKeyID: stored.Key, Tags: stored.Tags}
	return map[string]any{"arn": id, "tagsAll": tags(stored.Tags)}, nil
}

func (c *secret) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "secretsmanager:DeleteSecret", id); err != nil {
		return err
	}
	return s.world.DeleteSecret(id)
}

// describe is a secret that the session may do the action on.
func (s *session) describe(ctx context.Context, action, arn string) (account.Secret, error) {
	if err := s.may(ctx, action, arn); err != nil {
		return account.Secret{}, err
	}
	return s.world.Secret(arn)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/secretsmanager/secretpolicy/
type secretPolicy struct {
	SecretARN         string `json:"secretArn" lab:"name"`
	Policy            string `json:"policy" lab:"required,policy"`
	BlockPublicPolicy bool   `json:"blockPublicPolicy,omitempty" lab:"local"`
}

func (p *secretPolicy) put(ctx context.Context, s *session, _ bool) (string, error) {
	return p.SecretARN, s.putSecretPolicy(ctx, p.SecretARN, p.Policy, "secretsmanager:PutResourcePolicy")
}

func (s *session) putSecretPolicy(ctx context.Context, arn, document, action string) error {
	if err := s.may(ctx, action, arn); err != nil {
		return err
	}
	return s.world.ChangeSecret(arn, func(stored *account.Secret) { stored.Policy = document })
}

func (p *secretPolicy) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	stored, err := s.describe(ctx, "secretsmanager:GetResourcePolicy", id)
	if err == nil && stored.Policy == "" {
		err = &account.Error{Code: "ResourceNotFoundException", Message: id + " has no policy"}
	}
	p.SecretARN, p.Policy = id, stored.Policy
	return nil, err
}

func (p *secretPolicy) remove(ctx context.Context, s *session, id string) error {
	return s.putSecretPolicy(ctx, id, "", "secretsmanager:DeleteResourcePolicy")
}

// https://www.pulumi.com/registry/packages/aws/api-docs/secretsmanager/secretversion/
type secretVersion struct {
	SecretID     string `json:"secretId" lab:"required,replaces"`
	SecretString string `json:"secretString" lab:"required,replaces"`
}

func (v *secretVersion) put(ctx context.Context, s *session, _ bool) (string, error) {
	stored, err := s.describe(ctx, "secretsmanager:PutSecretValue", v.SecretID)
	if err == nil {
		err = s.mayUseKey(ctx, &stored, "kms:GenerateDataKey")
	}
	if err == nil {
		err = s.world.ChangeSecret(v.SecretID, func(stored *account.Secret) { stored.Value = v.SecretString })
	}
	if err != nil {
		return "", err
	}
	stored, err = s.world.Secret(v.SecretID)
	return v.SecretID + "|" + stored.VersionID, err
}

func (v *secretVersion) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	v.SecretID, _, _ = strings.Cut(id, "|")
	stored, err := s.secretValue(ctx, v.SecretID)
	if err != nil {
		return nil, err
	}
	v.SecretString = stored.Value
	return map[string]any{"arn": v.SecretID, "versionId": stored.VersionID, "versionStages": []any{"AWSCURRENT"}}, nil
}

func (v *secretVersion) remove(ctx context.Context, s *session, id string) error {
	arn, version, _ := strings.Cut(id, "|")
	if err := s.may(ctx, "secretsmanager:UpdateSecretVersionStage", arn); err != nil {
		return err
	}
	return s.world.ChangeSecret(arn, func(stored *account.Secret) {
		if stored.VersionID == version {
			stored.Value = ""
		}
	})
}

// secretValue reads a secret, with what Secrets Manager asks KMS in the reader's name.
func (s *session) secretValue(ctx context.Context, arn string) (account.Secret, error) {
	stored, err := s.describe(ctx, "secretsmanager:GetSecretValue", arn)
	if err != nil {
		return account.Secret{}, err
	}
	if stored.Value == "" {
		return account.Secret{}, &account.Error{Code: "ResourceNotFoundException", Message: "Secrets Manager can't find the specified secret " +
			"value for staging label: AWSCURRENT"}
	}
	return stored, s.mayUseKey(ctx, &stored, "kms:Decrypt")
}

// mayUseKey refuses what the session may not do with a secret's key, through Secrets Manager.
//
// Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
func (s *session) mayUseKey(ctx context.Context, stored *account.Secret, action string) error {
	key, err := s.world.KMSKey(stored.Key)
	if err != nil {
		return err
	}
	if !key.Enabled {
		return &account.Error{Code: "DecryptionFailure", Message: stored.Key + " is disabled"}
	}
	err = s.mayWith(ctx, action, stored.Key, map[string]any{
		"aws:ViaAWSService":               "true",
		"kms:ViaService":                  "secretsmanager." + stored.Region + ".amazonaws.com",
		"kms:EncryptionContextKeys":       []string{"SecretARN", "SecretVersionId"},
		"kms:EncryptionContext:SecretARN": stored.ARN(),
		"kms:EncryptionAlgorithm":         "SYMMETRIC_DEFAULT",
	})
	if err != nil {
		return &account.Error{Code: "AccessDeniedException", Message: "Access to KMS is not allowed: " + err.Error()}
	}
	return nil
}

// functions are the functions that the lab has, by their tokens. What they return is not marked as secret, as pulumi-aws does not either.
// https://github.com/pulumi/pulumi-terraform-bridge/issues/1051
var functions = map[string]func(context.Context, *session, resource.PropertyMap) (map[string]any, error){
	"aws:secretsmanager/getSecretVersion:getSecretVersion": getSecretVersion,
	"aws:ssm/getParameter:getParameter":                    getParameter,
}

// getParameter reads a parameter by its ARN, or one of the own account by its name.
// https://www.pulumi.com/registry/packages/aws/api-docs/ssm/getparameter/
func getParameter(ctx context.Context, s *session, inputs resource.PropertyMap) (map[string]any, error) {
	args, err := decode[struct {
		Name           string `json:"name"`
		WithDecryption bool   `json:"withDecryption"`
	}](inputs, nil)
	if err != nil {
		return nil, err
	}
	arn := args.Name
	if !strings.HasPrefix(arn, "arn:") {
		arn = new(ssmParameter).arn(s, args.Name)
	}
	if err := s.may(ctx, "ssm:GetParameter", arn); err != nil {
		return nil, err
	}
	stored, err := s.world.Parameter(arn)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id": args.Name, "arn": arn, "name": stored.Name, "type": "String", "version": stored.Version, "value": stored.Value,
		"insecureValue": stored.Value,
	}, nil
}

// getSecretVersion reads a secret by its ARN.
// https://www.pulumi.com/registry/packages/aws/api-docs/secretsmanager/getsecretversion/
func getSecretVersion(ctx context.Context, s *session, inputs resource.PropertyMap) (map[string]any, error) {
	args, err := decode[struct {
		SecretID string `json:"secretId"`
	}](inputs, nil)
	if err != nil {
		return nil, err
	}
	stored, err := s.secretValue(ctx, args.SecretID)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"id": args.SecretID + "|AWSCURRENT", "secretId": args.SecretID, "arn": stored.ARN(), "versionId": stored.VersionID,
		"versionStage": "AWSCURRENT", "secretString": stored.Value, "secretBinary": "",
	}, nil
}
