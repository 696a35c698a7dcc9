package provider

import (
	"context"

	"cross-account-s3/lab/account"
)

// https://www.pulumi.com/registry/packages/aws/api-docs/kms/key/
type kmsKey struct {
	Description          string            `json:"description" default:"\"\""`
	Policy               string            `json:"policy,omitempty" lab:"policy"`
	KeyUsage             string            `json:"keyUsage" lab:"local" default:"\"ENCRYPT_DECRYPT\""`
	IsEnabled            bool              `json:"isEnabled" default:"true"`
	EnableKeyRotation    bool              `json:"enableKeyRotation" default:"false"`
	DeletionWindowInDays int               `json:"deletionWindowInDays,omitempty" lab:"local"`
	Tags                 map[string]string `json:"tags,omitempty"`
}

func (k *kmsKey) arn(s *session, id string) string {
	return (&account.KMSKey{Account: s.account, Region: s.region, ID: id}).ARN()
}

func (k *kmsKey) put(ctx context.Context, s *session, create bool) (string, error) {
	key := account.KMSKey{
		Account: s.account, Region: s.region, ID: s.id, Description: k.Description, Policy: k.Policy, Rotation: k.EnableKeyRotation,
		Enabled: k.IsEnabled, Tags: k.Tags,
	}
	switch {
	case k.KeyUsage != "ENCRYPT_DECRYPT":
		return s.id, &account.Error{Code: "UnsupportedOperationException", Message: "the lab has no keys for " + k.KeyUsage}
	case k.DeletionWindowInDays != 0 && (k.DeletionWindowInDays < 7 || k.DeletionWindowInDays > 30):
		return s.id, &account.Error{Code: "ValidationException", Message: "a key waits for 7 to 30 days before it is deleted"}
	}
	if create {
		if err := s.may(ctx, "kms:CreateKey", "*"); err != nil {
			return "", err
		}
		made, err := s.world.CreateKMSKey(ctx, &s.key, key)
		return made.ID, err
	}
	if key.Policy == "" {
		stored, err := s.world.KMSKey(key.ARN())
		if err != nil {
			return s.id, err
		}
		key.Policy = stored.Policy
	}
	if err := s.may(ctx, "kms:PutKeyPolicy", key.ARN()); err != nil {
		return s.id, err
	}
	return s.id, s.world.UpdateKMSKey(ctx, &s.key, key)
}

func (k *kmsKey) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	arn := k.arn(s, id)
	stored, err := s.world.KMSKey(arn)
	if err != nil {
		return nil, err
	}
	if err := s.may(ctx, "kms:DescribeKey", arn); err != nil {
		return nil, err
	}
	*k = kmsKey{
		Description: stored.Description, Policy: stored.Policy, IsEnabled: stored.Enabled, EnableKeyRotation: stored.Rotation, Tags: stored.Tags,
	}
	return map[string]any{"arn": arn, "keyId": id, "multiRegion": false, "tagsAll": tags(stored.Tags)}, nil
}

func (k *kmsKey) remove(ctx context.Context, s *session, id string) error {
	arn := k.arn(s, id)
	if _, err := s.world.KMSKey(arn); err != nil {
		return err
	}
	if err := s.may(ctx, "kms:ScheduleKeyDeletion", arn); err != nil {
		return err
	}
	return s.world.DeleteKMSKey(arn)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/kms/keypolicy/
type kmsKeyPolicy struct {
	KeyID  string `json:"keyId" lab:"name"`
	Policy string `json:"policy" lab:"required,policy"`
}

func (p *kmsKeyPolicy) put(ctx context.Context, s *session, _ bool) (string, error) {
	key, err := s.world.FindKMSKey(s.account, s.region, p.KeyID)
	if err != nil {
		return p.KeyID, err
	}
	if err := s.may(ctx, "kms:PutKeyPolicy", key.ARN()); err != nil {
		return p.KeyID, err
	}
	key.Policy = p.Policy
	return p.KeyID, s.world.UpdateKMSKey(ctx, &s.key, key)
}

func (p *kmsKeyPolicy) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	key, err := s.world.FindKMSKey(s.account, s.region, id)
	if err != nil {
		return nil, err
	}
	if err := s.may(ctx, "kms:GetKeyPolicy", key.ARN()); err != nil {
		return nil, err
	}
	p.KeyID, p.Policy = id, key.Policy
	return nil, nil
}

// remove goes back to the default policy: a key always has one.
func (p *kmsKeyPolicy) remove(ctx context.Context, s *session, id string) error {
	key, err := s.world.FindKMSKey(s.account, s.region, id)
	if err != nil {
		return err
	}
	if err := s.may(ctx, "kms:PutKeyPolicy", key.ARN()); err != nil {
		return err
	}
	key.Policy = ""
	return s.world.UpdateKMSKey(ctx, &s.key, key)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/kms/alias/
type kmsAlias struct {
	Name        string `json:"name" lab:"name"`
	TargetKeyID string `json:"targetKeyId" lab:"required"`
}

func (a *kmsAlias) put(ctx context.Context, s *session, create bool) (string, error) {
	key, err := s.world.FindKMSKey(s.account, s.region, a.TargetKeyID)
	if err != nil {
		return a.Name, err
	}
	action := "kms:UpdateAlias"
	if create {
		action = "kms:CreateAlias"
	}
	for _, arn := range []string{a.arn(s, a.Name), key.ARN()} {
		if err := s.may(ctx, action, arn); err != nil {
			return a.Name, err
		}
	}
	_, err = s.world.PutKMSAlias(a.Name, key.ARN(), create)
	return a.Name, err
}

func (a *kmsAlias) arn(s *session, name string) string {
	return "arn:aws:kms:" + s.region + ":" + s.account + ":" + name
}

func (a *kmsAlias) get(_ context.Context, s *session, id string) (map[string]any, error) {
	key, err := s.world.FindKMSKey(s.account, s.region, id)
	if err != nil {
		return nil, err
	}
	a.Name, a.TargetKeyID = id, key.ID
	return map[string]any{"arn": a.arn(s, id), "targetKeyArn": key.ARN()}, nil
}

func (a *kmsAlias) remove(ctx context.Context, s *session, id string) error {
	if err := s.may(ctx, "kms:DeleteAlias", a.arn(s, id)); err != nil {
		return err
	}
	return s.world.DeleteKMSAlias(a.arn(s, id))
}
