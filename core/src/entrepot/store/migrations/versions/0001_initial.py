"""The whole schema. Written by entrepot.store.migrations.generate."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text  # noqa: F401 - named by rendered types
from sqlalchemy.dialects import postgresql  # noqa: F401 - likewise

from entrepot.store.migrations import ddl, search

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANT_TABLES = {
    "api_remembered_answer": "tenant_id",
    "audit_entry": "tenant_id",
    "audit_head": "tenant_id",
    "audit_payload": "tenant_id",
    "charge": "tenant_id",
    "charge_checkpoint": "tenant_id",
    "charge_fact": "tenant_id",
    "charge_reading": "tenant_id",
    "connection": "tenant_id",
    "connection_file": "tenant_id",
    "connection_notification": "tenant_id",
    "connection_secret": "tenant_id",
    "contact": "tenant_id",
    "customer": "tenant_id",
    "customer_account": "tenant_id",
    "customer_account_fact": "tenant_id",
    "customer_detail": "tenant_id",
    "customer_facet": "tenant_id",
    "customer_field": "tenant_id",
    "customer_import": "tenant_id",
    "customer_map": "tenant_id",
    "customer_notification": "tenant_id",
    "customer_upkeep_mark": "tenant_id",
    "customer_work": "tenant_id",
    "customer_work_part": "tenant_id",
    "gap_ledger": "tenant_id",
    "job_reread": "tenant_id",
    "job_run": "tenant_id",
    "line_link": "tenant_id",
    "list_view": "tenant_id",
    "mapping_batch": "tenant_id",
    "mapping_change": "tenant_id",
    "mapping_fact": "tenant_id",
    "notification_delivery": "tenant_id",
    "notification_mail": "tenant_id",
    "notification_setting": "tenant_id",
    "offer": "tenant_id",
    "offer_fact": "tenant_id",
    "preference": "tenant_id",
    "price_book": "tenant_id",
    "product_map": "tenant_id",
    "psa_agreement": "tenant_id",
    "psa_company": "tenant_id",
    "psa_line": "tenant_id",
    "psa_line_fact": "tenant_id",
    "psa_product": "tenant_id",
    "recon_combo": "tenant_id",
    "recon_coverage": "tenant_id",
    "recon_decision": "tenant_id",
    "recon_issue": "tenant_id",
    "recon_issue_fact": "tenant_id",
    "recon_memory": "tenant_id",
    "recon_operation": "tenant_id",
    "recon_plan": "tenant_id",
    "recon_plan_part": "tenant_id",
    "recon_rule": "tenant_id",
    "recon_run": "tenant_id",
    "recon_todo": "tenant_id",
    "schedule": "tenant_id",
    "subscription": "tenant_id",
    "subscription_fact": "tenant_id",
    "subscription_note": "tenant_id",
    "subscription_sku": "tenant_id",
    "sync_ahead": "tenant_id",
    "sync_checkpoint": "tenant_id",
    "sync_memory": "tenant_id",
    "sync_run": "tenant_id",
    "sync_scope": "tenant_id",
    "tenant": "id",
    "usage_line": "tenant_id",
    "usage_line_fact": "tenant_id",
    "vendor_intent": "tenant_id",
    "vendor_order": "tenant_id",
}

APPEND_ONLY_TABLES = (
    "audit_entry",
    "charge_fact",
    "customer_account_fact",
    "mapping_fact",
    "offer_fact",
    "psa_line_fact",
    "recon_issue_fact",
    "subscription_fact",
    "usage_line_fact",
)

SEARCHED_TABLES = {
    "customer": ('search_text', 'facets', 'state', 'sort_name'),
}


def upgrade() -> None:
    """Create everything."""
    op.create_table('api_credential',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('scopes', sa.Text(), nullable=False),
    sa.Column('secret_hash', sa.String(length=64), nullable=False),
    sa.Column('old_secret_hash', sa.String(length=64), nullable=True),
    sa.Column('old_secret_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_by', sa.String(length=120), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_credential')),
    info={'shared': True}
    )
    op.create_index(op.f('ix_api_credential_tenant_id'), 'api_credential', ['tenant_id'], unique=False)
    op.create_table('api_remembered_answer',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('credential', sa.String(length=40), nullable=False),
    sa.Column('route', sa.String(length=200), nullable=False),
    sa.Column('key', sa.String(length=255), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.Column('status', sa.Integer(), nullable=True),
    sa.Column('headers', sa.Text(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_api_remembered_answer')),
    sa.UniqueConstraint('tenant_id', 'credential', 'route', 'key', name=op.f('uq_api_remembered_answer_tenant_id_credential_route_key'))
    )
    op.create_index('ix_api_remembered_answer_expires', 'api_remembered_answer', ['expires_at'], unique=False)
    op.create_index(op.f('ix_api_remembered_answer_tenant_id'), 'api_remembered_answer', ['tenant_id'], unique=False)
    op.create_table('app_identity',
    sa.Column('issuer', sa.String(length=300), nullable=False),
    sa.Column('subject', sa.String(length=255), nullable=False),
    sa.Column('user_id', sa.String(length=40), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('issuer', 'subject', name=op.f('pk_app_identity'))
    )
    op.create_index(op.f('ix_app_identity_user_id'), 'app_identity', ['user_id'], unique=False)
    op.create_table('app_membership',
    sa.Column('user_id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('role', sa.String(length=40), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('user_id', 'tenant_id', name=op.f('pk_app_membership')),
    info={'shared': True}
    )
    op.create_index(op.f('ix_app_membership_tenant_id'), 'app_membership', ['tenant_id'], unique=False)
    op.create_table('app_passkey',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('user_id', sa.String(length=40), nullable=False),
    sa.Column('credential', sa.String(length=1400), nullable=False),
    sa.Column('public_key', sa.Text(), nullable=False),
    sa.Column('sign_count', sa.BigInteger(), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_app_passkey')),
    sa.UniqueConstraint('credential', name=op.f('uq_app_passkey_credential'))
    )
    op.create_index(op.f('ix_app_passkey_user_id'), 'app_passkey', ['user_id'], unique=False)
    op.create_table('app_recovery_code',
    sa.Column('user_id', sa.String(length=40), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('used_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('user_id', 'digest', name=op.f('pk_app_recovery_code'))
    )
    op.create_table('app_session',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('user_id', sa.String(length=40), nullable=False),
    sa.Column('agent', sa.String(length=200), nullable=False),
    sa.Column('address', sa.String(length=64), nullable=False),
    sa.Column('method', sa.String(length=20), nullable=False),
    sa.Column('keep', sa.Boolean(), nullable=False),
    sa.Column('proven', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('seen_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('behalf_user', sa.String(length=40), nullable=True),
    sa.Column('behalf_tenant', sa.String(length=40), nullable=True),
    sa.Column('behalf_reason', sa.String(length=300), nullable=True),
    sa.Column('behalf_until', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_app_session'))
    )
    op.create_index(op.f('ix_app_session_expires_at'), 'app_session', ['expires_at'], unique=False)
    op.create_index(op.f('ix_app_session_user_id'), 'app_session', ['user_id'], unique=False)
    op.create_table('app_sign_in_rules',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('second_factor', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', name=op.f('pk_app_sign_in_rules')),
    info={'shared': True}
    )
    op.create_table('app_totp',
    sa.Column('user_id', sa.String(length=40), nullable=False),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_step', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_app_totp'))
    )
    op.create_table('app_user',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('notify_email', sa.String(length=254), nullable=True),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('password_hash', sa.String(length=255), nullable=False),
    sa.Column('session_id', sa.String(length=64), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('operator', sa.Boolean(), nullable=False),
    sa.Column('theme', sa.String(length=8), nullable=False),
    sa.Column('zone', sa.String(length=60), nullable=False),
    sa.Column('login_count', sa.Integer(), nullable=False),
    sa.Column('must_change', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_login_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_app_user')),
    sa.UniqueConstraint('email', name=op.f('uq_app_user_email')),
    sa.UniqueConstraint('session_id', name=op.f('uq_app_user_session_id'))
    )
    op.create_table('audit_entry',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('actor_kind', sa.String(length=16), nullable=False),
    sa.Column('actor_id', sa.String(length=200), nullable=False),
    sa.Column('action', sa.String(length=80), nullable=False),
    sa.Column('subject_kind', sa.String(length=40), nullable=False),
    sa.Column('subject_id', sa.String(length=200), nullable=False),
    sa.Column('plugin', sa.String(length=80), nullable=True),
    sa.Column('payload_id', sa.String(length=40), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('prev_hash', sa.String(length=64), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'seq', name=op.f('pk_audit_entry')),
    info={'append_only': True}
    )
    op.create_index(op.f('ix_audit_entry_action'), 'audit_entry', ['action'], unique=False)
    op.create_index(op.f('ix_audit_entry_subject_id'), 'audit_entry', ['subject_id'], unique=False)
    op.create_table('audit_head',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('hash', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', name=op.f('pk_audit_head'))
    )
    op.create_table('audit_payload',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('person', sa.String(length=80), nullable=True),
    sa.Column('salt', sa.String(length=32), nullable=True),
    sa.Column('document', sa.Text(), nullable=True),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_payload'))
    )
    op.create_index(op.f('ix_audit_payload_person'), 'audit_payload', ['person'], unique=False)
    op.create_index(op.f('ix_audit_payload_tenant_id'), 'audit_payload', ['tenant_id'], unique=False)
    op.create_table('charge',
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('vendor_kind', sa.Text(), nullable=False),
    sa.Column('period_start', sa.Date(), nullable=False),
    sa.Column('period_end', sa.Date(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('unit_price', sa.Text(), nullable=True),
    sa.Column('list_amount', sa.Text(), nullable=True),
    sa.Column('tax', sa.BigInteger(), nullable=True),
    sa.Column('invoice_id', sa.Text(), nullable=False),
    sa.Column('invoiced_on', sa.Date(), nullable=True),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.Text(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('customer_vendor_id', sa.Text(), nullable=False),
    sa.Column('subscription_vendor_id', sa.Text(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('quantity', sa.Text(), nullable=True),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('estimated', sa.Boolean(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_charge'))
    )
    op.create_index('ix_charge_connection_id_month', 'charge', ['connection_id', 'month'], unique=False)
    op.create_index('ix_charge_customer', 'charge', ['connection_id', 'customer_vendor_id'], unique=False)
    op.create_index('ix_charge_subscription', 'charge', ['connection_id', 'subscription_vendor_id'], unique=False)
    op.create_index('ix_charge_tenant_id_month', 'charge', ['tenant_id', 'month', 'id'], unique=False)
    op.create_index('uq_charge_connection_id_vendor_id', 'charge', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('charge_checkpoint',
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('seen', sa.LargeBinary(), nullable=False),
    sa.Column('counts', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('run_id', 'kind', 'month', name=op.f('pk_charge_checkpoint'))
    )
    op.create_index(op.f('ix_charge_checkpoint_tenant_id'), 'charge_checkpoint', ['tenant_id'], unique=False)
    op.create_table('charge_fact',
    sa.Column('object_id', sa.String(length=40), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('change', sa.String(length=20), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('object_id', 'known_at', name=op.f('pk_charge_fact'))
    )
    op.create_table('charge_reading',
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('complete', sa.Boolean(), nullable=False),
    sa.Column('complete_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lines', sa.Integer(), nullable=False),
    sa.Column('counts', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('connection_id', 'kind', 'month', name=op.f('pk_charge_reading')),
    sa.UniqueConstraint('id', name=op.f('uq_charge_reading_id'))
    )
    op.create_index('ix_charge_reading_tenant_id_id', 'charge_reading', ['tenant_id', 'id'], unique=False)
    op.create_table('connection',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('plugin', sa.String(length=60), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('settings', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('parked_code', sa.String(length=80), nullable=True),
    sa.Column('parked_message', sa.Text(), nullable=True),
    sa.Column('parked_remedy', sa.Text(), nullable=True),
    sa.Column('parked_field', sa.String(length=80), nullable=True),
    sa.Column('parked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('quotas', sa.Text(), nullable=False),
    sa.Column('billing_zone', sa.String(length=64), nullable=False),
    sa.Column('notification_key', sa.String(length=64), nullable=False),
    sa.Column('account_name', sa.Text(), nullable=False),
    sa.Column('account_details', sa.Text(), nullable=False),
    sa.Column('account_warnings', sa.Text(), nullable=False),
    sa.Column('notifications', sa.Text(), nullable=True),
    sa.Column('base_currency', sa.String(length=3), nullable=False),
    sa.Column('last_ok_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_error', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('removed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('config_version', sa.Integer(), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.CheckConstraint("kind IN ('vendor', 'psa')", name=op.f('ck_connection_kind')),
    sa.CheckConstraint("state IN ('active', 'paused', 'parked', 'removed')", name=op.f('ck_connection_state')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_connection'))
    )
    op.create_index(op.f('ix_connection_tenant_id'), 'connection', ['tenant_id'], unique=False)
    op.create_index('uq_connection_notification_key', 'connection', ['notification_key'], unique=True)
    op.create_index('uq_connection_tenant_id_name', 'connection', ['tenant_id', 'name'], unique=True, sqlite_where=sa.text("state <> 'removed'"), postgresql_where=sa.text("state <> 'removed'"))
    op.create_table('connection_file',
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('connection_id', 'name', name=op.f('pk_connection_file'))
    )
    op.create_index(op.f('ix_connection_file_tenant_id'), 'connection_file', ['tenant_id'], unique=False)
    op.create_table('connection_notification',
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('connection_id', 'digest', name=op.f('pk_connection_notification')),
    info={'operational': True}
    )
    op.create_index('ix_connection_notification_connection_id_received_at', 'connection_notification', ['connection_id', 'received_at'], unique=False)
    op.create_index(op.f('ix_connection_notification_tenant_id'), 'connection_notification', ['tenant_id'], unique=False)
    op.create_table('connection_secret',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=80), nullable=False),
    sa.Column('ciphertext', sa.Text(), nullable=False),
    sa.Column('key_id', sa.String(length=40), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'connection_id', 'name', name=op.f('pk_connection_secret')),
    info={'export': False}
    )
    op.create_index(op.f('ix_connection_secret_key_id'), 'connection_secret', ['key_id'], unique=False)
    op.create_table('contact',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=500), nullable=False),
    sa.Column('owner_id', sa.String(length=200), nullable=False),
    sa.Column('first_name', sa.String(length=200), nullable=False),
    sa.Column('last_name', sa.String(length=200), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('phone', sa.String(length=100), nullable=False),
    sa.Column('role', sa.String(length=100), nullable=False),
    sa.Column('is_primary', sa.Boolean(), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_contact'))
    )
    op.create_index('ix_contact_connection_id_owner_id', 'contact', ['connection_id', 'owner_id'], unique=False)
    op.create_index(op.f('ix_contact_tenant_id'), 'contact', ['tenant_id'], unique=False)
    op.create_index('uq_contact_connection_id_vendor_id', 'contact', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('customer',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('sort_name', sa.Text(), nullable=False),
    sa.Column('search_text', sa.Text(), nullable=False),
    sa.Column('custom_id', sa.String(length=100), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('merged_into', sa.String(length=40), nullable=True),
    sa.Column('price_book_id', sa.String(length=40), nullable=True),
    sa.Column('contact_name', sa.Text(), nullable=False),
    sa.Column('contact_email', sa.Text(), nullable=False),
    sa.Column('facets', sa.Text(), nullable=False),
    sa.Column('n_purchased', sa.Integer(), nullable=False),
    sa.Column('n_orders', sa.Integer(), nullable=False),
    sa.Column('n_notifications', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer')),
    info={'search': ('search_text', 'facets', 'state', 'sort_name')}
    )
    op.create_index('ix_customer_tenant_id_contact_email_id', 'customer', ['tenant_id', 'contact_email', 'id'], unique=False)
    op.create_index('ix_customer_tenant_id_contact_name_id', 'customer', ['tenant_id', 'contact_name', 'id'], unique=False)
    op.create_index('ix_customer_tenant_id_created_at_id', 'customer', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index('ix_customer_tenant_id_custom_id_id', 'customer', ['tenant_id', 'custom_id', 'id'], unique=False)
    op.create_index('ix_customer_tenant_id_n_notifications_id', 'customer', ['tenant_id', 'n_notifications', 'id'], unique=False)
    op.create_index('ix_customer_tenant_id_n_orders_id', 'customer', ['tenant_id', 'n_orders', 'id'], unique=False)
    op.create_index('ix_customer_tenant_id_n_purchased_id', 'customer', ['tenant_id', 'n_purchased', 'id'], unique=False)
    op.create_index('ix_customer_tenant_id_sort_name_id', 'customer', ['tenant_id', 'sort_name', 'id'], unique=False)
    op.create_index('ix_customer_tenant_id_state_id', 'customer', ['tenant_id', 'state', 'id'], unique=False, sqlite_where=sa.text("state <> 'active'"), postgresql_where=sa.text("state <> 'active'"))
    op.create_index('ix_customer_tenant_id_updated_at_id', 'customer', ['tenant_id', 'updated_at', 'id'], unique=False)
    op.create_index('uq_customer_tenant_id_custom_id', 'customer', ['tenant_id', 'custom_id'], unique=True, sqlite_where=sa.text("custom_id <> ''"), postgresql_where=sa.text("custom_id <> ''"))
    op.create_table('customer_account_fact',
    sa.Column('object_id', sa.String(length=40), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('change', sa.String(length=20), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('object_id', 'known_at', name=op.f('pk_customer_account_fact'))
    )
    op.create_table('customer_detail',
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('company', sa.Text(), nullable=False),
    sa.Column('login', sa.String(length=320), nullable=False),
    sa.Column('given_name', sa.String(length=200), nullable=False),
    sa.Column('family_name', sa.String(length=200), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('phone', sa.String(length=40), nullable=False),
    sa.Column('street', sa.Text(), nullable=False),
    sa.Column('postal_code', sa.String(length=40), nullable=False),
    sa.Column('city', sa.String(length=200), nullable=False),
    sa.Column('region', sa.String(length=200), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('tax_id', sa.String(length=100), nullable=False),
    sa.Column('locale', sa.String(length=35), nullable=False),
    sa.Column('custom', sa.Text(), nullable=False),
    sa.Column('erased_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('customer_id', name=op.f('pk_customer_detail'))
    )
    op.create_index('ix_customer_detail_tenant_id_login', 'customer_detail', ['tenant_id', 'login'], unique=False)
    op.create_table('customer_facet',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('value', sa.String(length=500), nullable=False),
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'kind', 'value', 'customer_id', name=op.f('pk_customer_facet')),
    info={'operational': True}
    )
    op.create_index('ix_customer_facet_customer_id', 'customer_facet', ['customer_id'], unique=False)
    op.create_table('customer_field',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('key', sa.String(length=60), nullable=False),
    sa.Column('label', sa.String(length=120), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('options', sa.Text(), nullable=False),
    sa.Column('required', sa.Boolean(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer_field'))
    )
    op.create_index('uq_customer_field_tenant_id_key', 'customer_field', ['tenant_id', 'key'], unique=True)
    op.create_table('customer_import',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('counts', sa.Text(), nullable=False),
    sa.Column('rows', sa.Text(), nullable=False),
    sa.Column('created_by', sa.String(length=120), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer_import'))
    )
    op.create_index(op.f('ix_customer_import_tenant_id'), 'customer_import', ['tenant_id'], unique=False)
    op.create_table('customer_map',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_customer_id', sa.String(length=200), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('psa_company_id', sa.String(length=200), nullable=False),
    sa.Column('share', sa.String(length=12), nullable=False),
    sa.Column('share_value', sa.BigInteger(), nullable=False),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('method', sa.String(length=20), nullable=False),
    sa.Column('confidence', sa.Integer(), nullable=False),
    sa.Column('band', sa.String(length=12), nullable=False),
    sa.Column('contested', sa.Boolean(), nullable=False),
    sa.Column('evidence', sa.Text(), nullable=False),
    sa.Column('rivals', sa.Text(), nullable=False),
    sa.Column('flags', sa.Text(), nullable=False),
    sa.Column('target_name', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.String(length=200), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('batch_id', sa.String(length=40), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("share IN ('all', 'fixed', 'percent', 'remainder')", name=op.f('ck_customer_map_share')),
    sa.CheckConstraint("status IN ('suggested', 'confirmed', 'rejected', 'excluded', 'stale')", name=op.f('ck_customer_map_status')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer_map'))
    )
    op.create_index('ix_customer_map_account', 'customer_map', ['tenant_id', 'psa_connection_id', 'account_id', 'status', 'band'], unique=False)
    op.create_index('ix_customer_map_company', 'customer_map', ['psa_connection_id', 'psa_company_id'], unique=False)
    op.create_index('ix_customer_map_status', 'customer_map', ['tenant_id', 'psa_connection_id', 'status'], unique=False)
    op.create_index(op.f('ix_customer_map_tenant_id'), 'customer_map', ['tenant_id'], unique=False)
    op.create_index('ix_customer_map_vendor', 'customer_map', ['vendor_connection_id', 'vendor_customer_id'], unique=False)
    op.create_index('uq_customer_map_pair', 'customer_map', ['psa_connection_id', 'account_id', 'psa_company_id'], unique=True)
    op.create_table('customer_notification',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('subject_kind', sa.String(length=20), nullable=False),
    sa.Column('subject_id', sa.String(length=40), nullable=False),
    sa.Column('fact_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('facts', sa.Text(), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer_notification'))
    )
    op.create_index('ix_customer_notification_customer_id_id', 'customer_notification', ['customer_id', 'id'], unique=False)
    op.create_index('ix_customer_notification_source', 'customer_notification', ['source'], unique=False)
    op.create_index('ix_customer_notification_tenant_id_id', 'customer_notification', ['tenant_id', 'id'], unique=False)
    op.create_index('uq_customer_notification_fact', 'customer_notification', ['subject_id', 'kind', 'fact_at'], unique=True)
    op.create_table('customer_upkeep_mark',
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('subscription_id', sa.String(length=40), nullable=False),
    sa.Column('order_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('connection_id', name=op.f('pk_customer_upkeep_mark')),
    info={'operational': True}
    )
    op.create_index(op.f('ix_customer_upkeep_mark_tenant_id'), 'customer_upkeep_mark', ['tenant_id'], unique=False)
    op.create_table('customer_work',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('dry_run', sa.Boolean(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('settings', sa.Text(), nullable=False),
    sa.Column('counts', sa.Text(), nullable=False),
    sa.Column('total', sa.Integer(), nullable=False),
    sa.Column('done', sa.Integer(), nullable=False),
    sa.Column('problem', sa.Text(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('created_by', sa.String(length=120), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer_work'))
    )
    op.create_index(op.f('ix_customer_work_tenant_id'), 'customer_work', ['tenant_id'], unique=False)
    op.create_table('customer_work_part',
    sa.Column('work_id', sa.String(length=40), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('lines', sa.Text(), nullable=False),
    sa.Column('rows', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('work_id', 'number', name=op.f('pk_customer_work_part'))
    )
    op.create_index(op.f('ix_customer_work_part_tenant_id'), 'customer_work_part', ['tenant_id'], unique=False)
    op.create_table('erasure_permit',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_erasure_permit'))
    )
    op.create_table('gap_ledger',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('company_id', sa.String(length=200), nullable=False),
    sa.Column('agreement_id', sa.String(length=200), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('period_start', sa.Date(), nullable=False),
    sa.Column('unit_days', sa.BigInteger(), nullable=False),
    sa.Column('amount', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('line_id', sa.String(length=200), nullable=False),
    sa.Column('issue_id', sa.String(length=40), nullable=False),
    sa.Column('settled_by', sa.String(length=200), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gap_ledger'))
    )
    op.create_index('ix_gap_ledger_company', 'gap_ledger', ['psa_connection_id', 'company_id'], unique=False)
    op.create_index(op.f('ix_gap_ledger_tenant_id'), 'gap_ledger', ['tenant_id'], unique=False)
    op.create_table('hub_state',
    sa.Column('key', sa.String(length=80), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_hub_state'))
    )
    op.create_table('job_reread',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('concern', sa.Text(), nullable=False),
    sa.Column('requested_by', sa.String(length=120), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job_reread')),
    info={'operational': True}
    )
    op.create_index(op.f('ix_job_reread_run_id'), 'job_reread', ['run_id'], unique=False)
    op.create_index(op.f('ix_job_reread_tenant_id'), 'job_reread', ['tenant_id'], unique=False)
    op.create_table('job_run',
    sa.Column('id', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=80), nullable=False),
    sa.Column('queue', sa.String(length=20), nullable=False),
    sa.Column('partition', sa.String(length=200), nullable=True),
    sa.Column('connection_id', sa.String(length=40), nullable=True),
    sa.Column('stream', sa.String(length=120), nullable=True),
    sa.Column('exclusive_key', sa.String(length=300), nullable=True),
    sa.Column('subject', sa.String(length=200), nullable=True),
    sa.Column('requested_by', sa.String(length=120), nullable=True),
    sa.Column('cause', sa.String(length=200), nullable=True),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('args', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('executor', sa.String(length=200), nullable=True),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('recovered', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('not_before', sa.DateTime(timezone=True), nullable=True),
    sa.Column('touched_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('error_code', sa.String(length=120), nullable=True),
    sa.Column('error_text', sa.Text(), nullable=True),
    sa.Column('retryable', sa.Boolean(), nullable=False),
    sa.Column('cancel_requested', sa.Boolean(), nullable=False),
    sa.Column('has_effects', sa.Boolean(), nullable=False),
    sa.Column('phase', sa.String(length=80), nullable=True),
    sa.Column('phase_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('phase_done', sa.BigInteger(), nullable=False),
    sa.Column('done', sa.BigInteger(), nullable=False),
    sa.Column('total', sa.BigInteger(), nullable=True),
    sa.Column('unit', sa.String(length=40), nullable=True),
    sa.Column('message', sa.String(length=500), nullable=True),
    sa.Column('result', sa.Text(), nullable=True),
    sa.Column('follow_up', sa.String(length=200), nullable=True),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_job_run')),
    info={'operational': True}
    )
    op.create_index('ix_job_run_connection_created', 'job_run', ['connection_id', 'created_at'], unique=False)
    op.create_index('ix_job_run_ended', 'job_run', ['ended_at'], unique=False)
    op.create_index('ix_job_run_tenant_created', 'job_run', ['tenant_id', 'created_at', 'id'], unique=False)
    op.create_index(op.f('ix_job_run_tenant_id'), 'job_run', ['tenant_id'], unique=False)
    op.create_index('uq_job_run_active', 'job_run', ['exclusive_key'], unique=True, sqlite_where=sa.text('ended_at IS NULL AND exclusive_key IS NOT NULL'), postgresql_where=sa.text('ended_at IS NULL AND exclusive_key IS NOT NULL'))
    op.create_table('line_link',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('line_id', sa.String(length=200), nullable=False),
    sa.Column('company_id', sa.String(length=200), nullable=False),
    sa.Column('agreement_id', sa.String(length=200), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('subscriptions', sa.Text(), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('origin', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('external_ref', sa.String(length=200), nullable=False),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('verified_token', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_line_link'))
    )
    op.create_index('ix_line_link_company', 'line_link', ['psa_connection_id', 'company_id'], unique=False)
    op.create_index('ix_line_link_covering', 'line_link', ['psa_connection_id', 'line_id', 'state', 'role', 'tenant_id'], unique=False)
    op.create_index(op.f('ix_line_link_tenant_id'), 'line_link', ['tenant_id'], unique=False)
    op.create_index('uq_line_link_psa_connection_id_line_id', 'line_link', ['psa_connection_id', 'line_id'], unique=True)
    op.create_table('list_view',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('of', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('query', sa.Text(), nullable=False),
    sa.Column('columns', sa.Text(), nullable=True),
    sa.Column('created_by', sa.String(length=120), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_list_view'))
    )
    op.create_index('uq_list_view_tenant_id_of_name', 'list_view', ['tenant_id', 'of', 'name'], unique=True)
    op.create_table('mapping_batch',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('what', sa.String(length=12), nullable=False),
    sa.Column('action', sa.String(length=20), nullable=False),
    sa.Column('actor_id', sa.String(length=60), nullable=False),
    sa.Column('actor_name', sa.String(length=200), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('undone_by', sa.String(length=40), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_mapping_batch'))
    )
    op.create_index('ix_mapping_batch_tenant_id_id', 'mapping_batch', ['tenant_id', 'id'], unique=False)
    op.create_table('mapping_change',
    sa.Column('batch_id', sa.String(length=40), nullable=False),
    sa.Column('map_id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('before', sa.Text(), nullable=True),
    sa.Column('after', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('batch_id', 'map_id', name=op.f('pk_mapping_change'))
    )
    op.create_index(op.f('ix_mapping_change_tenant_id'), 'mapping_change', ['tenant_id'], unique=False)
    op.create_table('mapping_fact',
    sa.Column('object_id', sa.String(length=40), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('change', sa.String(length=20), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('object_id', 'known_at', name=op.f('pk_mapping_fact'))
    )
    op.create_table('notification_delivery',
    sa.Column('notification_id', sa.String(length=40), nullable=False),
    sa.Column('mail_id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('notification_id', 'mail_id', name=op.f('pk_notification_delivery'))
    )
    op.create_index('ix_notification_delivery_mail_id', 'notification_delivery', ['mail_id'], unique=False)
    op.create_index(op.f('ix_notification_delivery_tenant_id'), 'notification_delivery', ['tenant_id'], unique=False)
    op.create_table('notification_mail',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('source', sa.String(length=200), nullable=False),
    sa.Column('to_kind', sa.String(length=10), nullable=False),
    sa.Column('to_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('address', sa.String(length=320), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('state', sa.String(length=10), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('error', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification_mail'))
    )
    op.create_index('ix_notification_mail_source', 'notification_mail', ['source'], unique=False)
    op.create_index(op.f('ix_notification_mail_tenant_id'), 'notification_mail', ['tenant_id'], unique=False)
    op.create_index('ix_notification_mail_to_id', 'notification_mail', ['to_id'], unique=False)
    op.create_table('notification_setting',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('own', sa.Boolean(), nullable=False),
    sa.Column('kinds', sa.Text(), nullable=False),
    sa.Column('renewal_days', sa.Integer(), nullable=False),
    sa.Column('owners', sa.Boolean(), nullable=False),
    sa.Column('people', sa.Text(), nullable=False),
    sa.Column('contact', sa.Boolean(), nullable=False),
    sa.Column('language', sa.String(length=5), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'customer_id', name=op.f('pk_notification_setting'))
    )
    op.create_table('offer',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=300), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('sku', sa.String(length=200), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('term', sa.String(length=20), nullable=False),
    sa.Column('billing_cycle', sa.String(length=20), nullable=False),
    sa.Column('segment', sa.String(length=50), nullable=False),
    sa.Column('market', sa.String(length=10), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('unit_cost', sa.BigInteger(), nullable=True),
    sa.Column('list_price', sa.BigInteger(), nullable=True),
    sa.Column('min_quantity', sa.BigInteger(), nullable=False),
    sa.Column('max_quantity', sa.BigInteger(), nullable=True),
    sa.Column('unit', sa.String(length=50), nullable=False),
    sa.Column('is_trial', sa.Boolean(), nullable=False),
    sa.Column('is_addon', sa.Boolean(), nullable=False),
    sa.Column('is_usage', sa.Boolean(), nullable=False),
    sa.Column('purchasable', sa.Boolean(), nullable=False),
    sa.Column('prerequisite_skus', sa.Text(), nullable=False),
    sa.Column('part_numbers', sa.Text(), nullable=False),
    sa.Column('publisher', sa.String(length=200), nullable=False),
    sa.Column('price_from', sa.DateTime(timezone=True), nullable=True),
    sa.Column('price_to', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_offer'))
    )
    op.create_index('ix_offer_tenant_id_sku', 'offer', ['tenant_id', 'sku'], unique=False)
    op.create_index('uq_offer_connection_id_vendor_id', 'offer', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('offer_fact',
    sa.Column('object_id', sa.String(length=40), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('change', sa.String(length=20), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('object_id', 'known_at', name=op.f('pk_offer_fact'))
    )
    op.create_table('preference',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('owner', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=60), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'owner', 'name', name=op.f('pk_preference'))
    )
    op.create_table('price_book',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.String(length=120), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_price_book'))
    )
    op.create_index('uq_price_book_tenant_id_name', 'price_book', ['tenant_id', 'name'], unique=True)
    op.create_table('product_map',
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_connection_id', sa.String(length=40), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('sku', sa.String(length=200), nullable=False),
    sa.Column('sku_name', sa.Text(), nullable=False),
    sa.Column('term', sa.String(length=20), nullable=False),
    sa.Column('billing_cycle', sa.String(length=20), nullable=False),
    sa.Column('segment', sa.String(length=50), nullable=False),
    sa.Column('market', sa.String(length=10), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('psa_product_id', sa.String(length=200), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('factor', sa.BigInteger(), nullable=False),
    sa.Column('rounding', sa.String(length=10), nullable=False),
    sa.Column('included_quantity', sa.BigInteger(), nullable=False),
    sa.Column('price_mode', sa.String(length=20), nullable=False),
    sa.Column('price_value', sa.BigInteger(), nullable=False),
    sa.Column('price_currency', sa.String(length=3), nullable=False),
    sa.Column('price_floor', sa.BigInteger(), nullable=True),
    sa.Column('manage_price', sa.Boolean(), nullable=False),
    sa.Column('manage_cost', sa.Boolean(), nullable=False),
    sa.Column('manage_flags', sa.Boolean(), nullable=False),
    sa.Column('bill', sa.String(length=20), nullable=False),
    sa.Column('taxable', sa.Boolean(), nullable=True),
    sa.Column('text_template', sa.Text(), nullable=False),
    sa.Column('valid_from', sa.Date(), nullable=True),
    sa.Column('valid_to', sa.Date(), nullable=True),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('status', sa.String(length=12), nullable=False),
    sa.Column('method', sa.String(length=20), nullable=False),
    sa.Column('confidence', sa.Integer(), nullable=False),
    sa.Column('band', sa.String(length=12), nullable=False),
    sa.Column('contested', sa.Boolean(), nullable=False),
    sa.Column('evidence', sa.Text(), nullable=False),
    sa.Column('rivals', sa.Text(), nullable=False),
    sa.Column('flags', sa.Text(), nullable=False),
    sa.Column('target_name', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('decided_by', sa.String(length=200), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('batch_id', sa.String(length=40), nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.CheckConstraint("status IN ('suggested', 'confirmed', 'rejected', 'excluded', 'stale')", name=op.f('ck_product_map_status')),
    sa.CheckConstraint('factor > 0', name=op.f('ck_product_map_factor')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_product_map'))
    )
    op.create_index('ix_product_map_product', 'product_map', ['psa_connection_id', 'psa_product_id'], unique=False)
    op.create_index('ix_product_map_sku', 'product_map', ['psa_connection_id', 'sku'], unique=False)
    op.create_index(op.f('ix_product_map_tenant_id'), 'product_map', ['tenant_id'], unique=False)
    op.create_table('psa_agreement',
    sa.Column('company_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('type_id', sa.String(length=200), nullable=False),
    sa.Column('type_name', sa.String(length=200), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('vendor_status', sa.String(length=100), nullable=False),
    sa.Column('start', sa.Date(), nullable=True),
    sa.Column('end', sa.Date(), nullable=True),
    sa.Column('billing_start', sa.Date(), nullable=True),
    sa.Column('billing_cycle', sa.String(length=20), nullable=False),
    sa.Column('period_anchor', sa.String(length=20), nullable=False),
    sa.Column('billing_mode', sa.String(length=20), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('prorates', sa.Boolean(), nullable=True),
    sa.Column('next_invoice', sa.Date(), nullable=True),
    sa.Column('parent_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('family_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('vendor_version', sa.String(length=200), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('lock_known', sa.Boolean(), nullable=False),
    sa.Column('lock_through', sa.Date(), nullable=True),
    sa.Column('lock_next_invoice', sa.Date(), nullable=True),
    sa.Column('lock_mode', sa.String(length=20), nullable=False),
    sa.Column('lock_periods', sa.Text(), nullable=False),
    sa.Column('lock_reason', sa.Text(), nullable=False),
    sa.Column('lock_read_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=200), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_psa_agreement'))
    )
    op.create_index('ix_psa_agreement_company', 'psa_agreement', ['connection_id', 'company_vendor_id'], unique=False)
    op.create_index(op.f('ix_psa_agreement_tenant_id'), 'psa_agreement', ['tenant_id'], unique=False)
    op.create_index('uq_psa_agreement_connection_id_vendor_id', 'psa_agreement', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('psa_company',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('identifier', sa.String(length=200), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('is_customer', sa.Boolean(), nullable=False),
    sa.Column('deleted', sa.Boolean(), nullable=False),
    sa.Column('merged_into', sa.String(length=200), nullable=False),
    sa.Column('domains', sa.Text(), nullable=False),
    sa.Column('tax_id', sa.String(length=100), nullable=False),
    sa.Column('phone', sa.String(length=100), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('city', sa.String(length=200), nullable=False),
    sa.Column('postal_code', sa.String(length=40), nullable=False),
    sa.Column('external_ids', sa.Text(), nullable=False),
    sa.Column('parent_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('status', sa.String(length=100), nullable=False),
    sa.Column('vendor_version', sa.String(length=200), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=200), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_psa_company'))
    )
    op.create_index(op.f('ix_psa_company_tenant_id'), 'psa_company', ['tenant_id'], unique=False)
    op.create_index('uq_psa_company_connection_id_vendor_id', 'psa_company', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('psa_line',
    sa.Column('agreement_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('company_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('product_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('product_name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('invoice_text', sa.Text(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('included_quantity', sa.BigInteger(), nullable=False),
    sa.Column('unit_price', sa.BigInteger(), nullable=True),
    sa.Column('unit_cost', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('bill', sa.String(length=20), nullable=False),
    sa.Column('taxable', sa.Boolean(), nullable=True),
    sa.Column('effective', sa.Date(), nullable=True),
    sa.Column('ends', sa.Date(), nullable=True),
    sa.Column('reference', sa.String(length=200), nullable=False),
    sa.Column('line_created_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('line_created_by', sa.String(length=200), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('changed_by', sa.String(length=200), nullable=False),
    sa.Column('change_token', sa.String(length=200), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=200), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_psa_line'))
    )
    op.create_index('ix_psa_line_agreement', 'psa_line', ['connection_id', 'agreement_vendor_id'], unique=False)
    op.create_index('ix_psa_line_company', 'psa_line', ['connection_id', 'company_vendor_id', 'tenant_id', 'known_at'], unique=False)
    op.create_index('ix_psa_line_missing', 'psa_line', ['connection_id'], unique=False, sqlite_where=sa.text('missing_since IS NOT NULL'), postgresql_where=sa.text('missing_since IS NOT NULL'))
    op.create_index(op.f('ix_psa_line_tenant_id'), 'psa_line', ['tenant_id'], unique=False)
    op.create_index('uq_psa_line_connection_id_vendor_id', 'psa_line', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('psa_line_fact',
    sa.Column('object_id', sa.String(length=40), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('change', sa.String(length=20), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('object_id', 'known_at', name=op.f('pk_psa_line_fact'))
    )
    op.create_table('psa_product',
    sa.Column('identifier', sa.String(length=200), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('active', sa.Boolean(), nullable=False),
    sa.Column('vendor_sku', sa.String(length=200), nullable=False),
    sa.Column('part_number', sa.String(length=200), nullable=False),
    sa.Column('cross_reference', sa.String(length=200), nullable=False),
    sa.Column('price', sa.BigInteger(), nullable=True),
    sa.Column('cost', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('taxable', sa.Boolean(), nullable=True),
    sa.Column('category', sa.String(length=200), nullable=False),
    sa.Column('usable_on_lines', sa.Boolean(), nullable=False),
    sa.Column('vendor_version', sa.String(length=200), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=200), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_psa_product'))
    )
    op.create_index(op.f('ix_psa_product_tenant_id'), 'psa_product', ['tenant_id'], unique=False)
    op.create_index('uq_psa_product_connection_id_vendor_id', 'psa_product', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('quota_bucket',
    sa.Column('key', sa.String(length=300), nullable=False),
    sa.Column('owed_until', sa.BigInteger(), nullable=False),
    sa.Column('paused_until', sa.BigInteger(), nullable=False),
    sa.Column('taken', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_quota_bucket'))
    )
    op.create_table('rate_window',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('expires_at', sa.Float(), nullable=False),
    sa.Column('hits', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_rate_window'))
    )
    op.create_table('recon_combo',
    sa.Column('sku', sa.String(length=200), nullable=False),
    sa.Column('offer_key', sa.String(length=300), nullable=False),
    sa.Column('unit_cost', sa.BigInteger(), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('term', sa.String(length=20), nullable=False),
    sa.Column('billing_cycle', sa.String(length=20), nullable=False),
    sa.Column('segment', sa.String(length=50), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('billed_in', sa.String(length=3), nullable=False),
    sa.Column('psa_product', sa.String(length=200), nullable=False),
    sa.Column('price', sa.BigInteger(), nullable=True),
    sa.Column('cost', sa.BigInteger(), nullable=True),
    sa.Column('plain', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('sku', 'offer_key', 'unit_cost', 'product_id', 'term', 'billing_cycle', 'segment', 'currency', 'connection_id', 'psa_connection_id', name=op.f('pk_recon_combo')),
    sqlite_with_rowid=False
    )
    op.create_index(op.f('ix_recon_combo_tenant_id'), 'recon_combo', ['tenant_id'], unique=False)
    op.create_table('recon_coverage',
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('scope', sa.String(length=250), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.String(length=20), nullable=False),
    sa.Column('because', sa.Text(), nullable=False),
    sa.Column('subscriptions', sa.Integer(), nullable=False),
    sa.Column('lines', sa.Integer(), nullable=False),
    sa.Column('keys', sa.Integer(), nullable=False),
    sa.Column('skipped', sa.Integer(), nullable=False),
    sa.Column('issues', sa.Integer(), nullable=False),
    sa.Column('by_sums', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('psa_connection_id', 'scope', name=op.f('pk_recon_coverage'))
    )
    op.create_index(op.f('ix_recon_coverage_tenant_id'), 'recon_coverage', ['tenant_id'], unique=False)
    op.create_table('recon_decision',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('issue_id', sa.String(length=40), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('resolution', sa.String(length=20), nullable=False),
    sa.Column('scope', sa.String(length=20), nullable=False),
    sa.Column('until', sa.Date(), nullable=True),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('value_hash', sa.String(length=64), nullable=False),
    sa.Column('actor_id', sa.String(length=60), nullable=False),
    sa.Column('actor_name', sa.String(length=200), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('result', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recon_decision'))
    )
    op.create_index('ix_recon_decision_issue_id', 'recon_decision', ['issue_id'], unique=False)
    op.create_index(op.f('ix_recon_decision_tenant_id'), 'recon_decision', ['tenant_id'], unique=False)
    op.create_table('recon_issue',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=40), nullable=False),
    sa.Column('severity', sa.String(length=10), nullable=False),
    sa.Column('company_id', sa.String(length=200), nullable=False),
    sa.Column('agreement_id', sa.String(length=200), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('vendor_connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_customer_id', sa.String(length=200), nullable=False),
    sa.Column('sku', sa.String(length=200), nullable=False),
    sa.Column('field', sa.String(length=40), nullable=False),
    sa.Column('subject', sa.String(length=250), nullable=False),
    sa.Column('expected', sa.Text(), nullable=False),
    sa.Column('actual', sa.Text(), nullable=False),
    sa.Column('delta', sa.BigInteger(), nullable=True),
    sa.Column('impact_recurring', sa.BigInteger(), nullable=True),
    sa.Column('impact_once', sa.BigInteger(), nullable=True),
    sa.Column('cost_impact', sa.BigInteger(), nullable=True),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('estimated', sa.Boolean(), nullable=False),
    sa.Column('count', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('lines', sa.Text(), nullable=False),
    sa.Column('subscriptions', sa.Text(), nullable=False),
    sa.Column('annotations', sa.Text(), nullable=False),
    sa.Column('proposal', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('is_open', sa.Boolean(), nullable=False),
    sa.Column('value_hash', sa.String(length=64), nullable=False),
    sa.Column('occurrence', sa.Integer(), nullable=False),
    sa.Column('silent_by', sa.String(length=20), nullable=False),
    sa.Column('silent_scope', sa.String(length=20), nullable=False),
    sa.Column('silent_until', sa.Date(), nullable=True),
    sa.Column('silent_hash', sa.String(length=64), nullable=False),
    sa.Column('first_seen', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_seen', sa.DateTime(timezone=True), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('first_run', sa.String(length=200), nullable=False),
    sa.Column('last_run', sa.String(length=200), nullable=False),
    sa.Column('previous_id', sa.String(length=40), nullable=False),
    sa.Column('ticket_id', sa.String(length=200), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recon_issue'))
    )
    op.create_index('ix_recon_issue_company', 'recon_issue', ['psa_connection_id', 'company_id', 'is_open'], unique=False)
    op.create_index('ix_recon_issue_tenant_id_id', 'recon_issue', ['tenant_id', 'id'], unique=False)
    op.create_index('uq_recon_issue_open', 'recon_issue', ['psa_connection_id', 'fingerprint'], unique=True, postgresql_where=sa.text('is_open'), sqlite_where=sa.text('is_open'))
    op.create_table('recon_issue_fact',
    sa.Column('object_id', sa.String(length=40), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('change', sa.String(length=20), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('object_id', 'known_at', name=op.f('pk_recon_issue_fact'))
    )
    op.create_table('recon_memory',
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.Column('basis', sa.String(length=64), nullable=False),
    sa.Column('judged', sa.String(length=64), nullable=False),
    sa.Column('companies', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('psa_connection_id', name=op.f('pk_recon_memory'))
    )
    op.create_index(op.f('ix_recon_memory_tenant_id'), 'recon_memory', ['tenant_id'], unique=False)
    op.create_table('recon_operation',
    sa.Column('plan_id', sa.String(length=40), nullable=False),
    sa.Column('part', sa.Integer(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('reference', sa.String(length=60), nullable=False),
    sa.Column('do', sa.String(length=20), nullable=False),
    sa.Column('agreement_id', sa.String(length=200), nullable=False),
    sa.Column('line_id', sa.String(length=200), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('calls', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('before', sa.Text(), nullable=True),
    sa.Column('after', sa.Text(), nullable=True),
    sa.Column('request_id', sa.String(length=200), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('applied_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('plan_id', 'part', 'seq', name=op.f('pk_recon_operation'))
    )
    op.create_index('ix_recon_operation_line', 'recon_operation', ['psa_connection_id', 'line_id'], unique=False)
    op.create_index(op.f('ix_recon_operation_tenant_id'), 'recon_operation', ['tenant_id'], unique=False)
    op.create_index('uq_recon_operation_reference', 'recon_operation', ['reference'], unique=True)
    op.create_table('recon_plan',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('issues', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('preview', sa.Text(), nullable=False),
    sa.Column('not_pushed', sa.Text(), nullable=False),
    sa.Column('created_by', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_by', sa.String(length=200), nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('approval_reason', sa.Text(), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recon_plan'))
    )
    op.create_index('ix_recon_plan_tenant_id_id', 'recon_plan', ['tenant_id', 'id'], unique=False)
    op.create_table('recon_plan_part',
    sa.Column('plan_id', sa.String(length=40), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('company_id', sa.String(length=200), nullable=False),
    sa.Column('agreement_id', sa.String(length=200), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('issues', sa.Text(), nullable=False),
    sa.Column('proposal', sa.Text(), nullable=False),
    sa.Column('inputs', sa.LargeBinary(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('message', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('plan_id', 'seq', name=op.f('pk_recon_plan_part'))
    )
    op.create_index(op.f('ix_recon_plan_part_tenant_id'), 'recon_plan_part', ['tenant_id'], unique=False)
    op.create_table('recon_rule',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('company_id', sa.String(length=200), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('author', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_until', sa.Date(), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recon_rule'))
    )
    op.create_index('ix_recon_rule_psa_connection_id', 'recon_rule', ['psa_connection_id', 'kind'], unique=False)
    op.create_index(op.f('ix_recon_rule_tenant_id'), 'recon_rule', ['tenant_id'], unique=False)
    op.create_table('recon_run',
    sa.Column('id', sa.String(length=200), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('psa_connection_id', sa.String(length=40), nullable=False),
    sa.Column('scope', sa.String(length=250), nullable=False),
    sa.Column('level', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('cause', sa.String(length=40), nullable=False),
    sa.Column('requested_by', sa.String(length=200), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=True),
    sa.Column('outcome', sa.String(length=20), nullable=False),
    sa.Column('because', sa.Text(), nullable=False),
    sa.Column('counts', sa.Text(), nullable=False),
    sa.Column('totals', sa.Text(), nullable=False),
    sa.Column('input_versions', sa.Text(), nullable=False),
    sa.Column('failures', sa.Text(), nullable=False),
    sa.Column('brake', sa.Text(), nullable=False),
    sa.Column('not_proposed', sa.BigInteger(), nullable=False),
    sa.Column('general', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recon_run'))
    )
    op.create_index('ix_recon_run_psa_connection_id', 'recon_run', ['psa_connection_id', 'created_at'], unique=False)
    op.create_index('ix_recon_run_tenant_id_id', 'recon_run', ['tenant_id', 'id'], unique=False)
    op.create_table('recon_todo',
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('kind', sa.String(length=10), nullable=False),
    sa.Column('subject', sa.String(length=250), nullable=False),
    sa.PrimaryKeyConstraint('run_id', 'seq', name=op.f('pk_recon_todo'))
    )
    op.create_index(op.f('ix_recon_todo_tenant_id'), 'recon_todo', ['tenant_id'], unique=False)
    op.create_table('schedule',
    sa.Column('id', sa.String(length=120), nullable=False),
    sa.Column('job', sa.String(length=80), nullable=False),
    sa.Column('args', sa.Text(), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=True),
    sa.Column('stream', sa.String(length=120), nullable=True),
    sa.Column('partition', sa.String(length=200), nullable=True),
    sa.Column('every_seconds', sa.Integer(), nullable=True),
    sa.Column('cron', sa.String(length=120), nullable=True),
    sa.Column('zone', sa.String(length=60), nullable=False),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_tick', sa.DateTime(timezone=True), nullable=True),
    sa.Column('last_run', sa.String(length=200), nullable=True),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_schedule')),
    info={'operational': True}
    )
    op.create_index(op.f('ix_schedule_connection_id'), 'schedule', ['connection_id'], unique=False)
    op.create_index(op.f('ix_schedule_tenant_id'), 'schedule', ['tenant_id'], unique=False)
    op.create_table('schedule_version',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('version', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_schedule_version'))
    )
    op.create_table('subscription',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=200), nullable=False),
    sa.Column('account_id', sa.String(length=40), nullable=False),
    sa.Column('customer_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('sku', sa.String(length=200), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('offer_key', sa.String(length=300), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('friendly_name', sa.Text(), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('unit', sa.String(length=50), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('vendor_status', sa.String(length=100), nullable=False),
    sa.Column('billed', sa.Boolean(), nullable=False),
    sa.Column('term', sa.String(length=20), nullable=False),
    sa.Column('billing_cycle', sa.String(length=20), nullable=False),
    sa.Column('segment', sa.String(length=50), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('unit_cost', sa.BigInteger(), nullable=True),
    sa.Column('assigned', sa.BigInteger(), nullable=True),
    sa.Column('is_trial', sa.Boolean(), nullable=False),
    sa.Column('is_addon', sa.Boolean(), nullable=False),
    sa.Column('parent_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('term_start', sa.DateTime(timezone=True), nullable=True),
    sa.Column('term_end', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('auto_renew', sa.Boolean(), nullable=True),
    sa.Column('cancellable_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reducible_quantity', sa.BigInteger(), nullable=True),
    sa.Column('scheduled', sa.Text(), nullable=False),
    sa.Column('order_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('changed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('vendor_version', sa.String(length=200), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscription'))
    )
    op.create_index('ix_subscription_account_id', 'subscription', ['account_id', 'tenant_id'], unique=False)
    op.create_index('ix_subscription_cycle', 'subscription', ['tenant_id', 'billing_cycle', 'id'], unique=False, sqlite_where=sa.text("billing_cycle <> 'monthly'"), postgresql_where=sa.text("billing_cycle <> 'monthly'"))
    op.create_index('ix_subscription_missing', 'subscription', ['connection_id'], unique=False, sqlite_where=sa.text('missing_since IS NOT NULL'), postgresql_where=sa.text('missing_since IS NOT NULL'))
    op.create_index('ix_subscription_name_id', 'subscription', ['name', 'id', 'tenant_id'], unique=False)
    op.create_index('ix_subscription_rare', 'subscription', ['tenant_id', 'status', 'id', 'connection_id'], unique=False, sqlite_where=sa.text("status <> 'active'"), postgresql_where=sa.text("status <> 'active'"))
    op.create_index('ix_subscription_term_end', 'subscription', ['term_end'], unique=False)
    op.create_index('ix_subscription_trial', 'subscription', ['tenant_id', 'id', 'status'], unique=False, sqlite_where=sa.text('is_trial IS 1'), postgresql_where=sa.text('is_trial IS true'))
    op.create_index('uq_subscription_connection_id_vendor_id', 'subscription', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('subscription_fact',
    sa.Column('object_id', sa.String(length=40), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('date_estimated', sa.Boolean(), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('change', sa.String(length=20), nullable=False),
    sa.Column('quantity', sa.BigInteger(), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('object_id', 'known_at', name=op.f('pk_subscription_fact'))
    )
    op.create_index('ix_subscription_fact_changed', 'subscription_fact', ['connection_id', 'known_at'], unique=False, sqlite_where=sa.text("change <> 'new'"), postgresql_where=sa.text("change <> 'new'"))
    op.create_table('subscription_note',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('nickname', sa.String(length=200), nullable=False),
    sa.Column('customer_po', sa.String(length=100), nullable=False),
    sa.Column('reseller_po', sa.String(length=100), nullable=False),
    sa.Column('search_text', sa.Text(), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscription_note'))
    )
    op.create_index(op.f('ix_subscription_note_tenant_id'), 'subscription_note', ['tenant_id'], unique=False)
    op.create_table('subscription_sku',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('sku', sa.String(length=200), nullable=False),
    sa.Column('product_id', sa.String(length=200), nullable=False),
    sa.Column('term', sa.String(length=20), nullable=False),
    sa.Column('billing_cycle', sa.String(length=20), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('n_live', sa.Integer(), nullable=False),
    sa.Column('n_billed', sa.Integer(), nullable=False),
    sa.Column('n_planned', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_subscription_sku'))
    )
    op.create_index(op.f('ix_subscription_sku_tenant_id'), 'subscription_sku', ['tenant_id'], unique=False)
    op.create_table('sync_ahead',
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('scope', sa.String(length=200), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('connection_id', 'scope', name=op.f('pk_sync_ahead'))
    )
    op.create_index(op.f('ix_sync_ahead_tenant_id'), 'sync_ahead', ['tenant_id'], unique=False)
    op.create_table('sync_checkpoint',
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('stream', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('cursor', sa.Text(), nullable=False),
    sa.Column('seen', sa.LargeBinary(), nullable=False),
    sa.Column('added', sa.LargeBinary(), nullable=False),
    sa.Column('replaced', sa.LargeBinary(), nullable=False),
    sa.Column('counts', sa.Text(), nullable=False),
    sa.Column('saved_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('run_id', 'stream', name=op.f('pk_sync_checkpoint'))
    )
    op.create_index(op.f('ix_sync_checkpoint_tenant_id'), 'sync_checkpoint', ['tenant_id'], unique=False)
    op.create_table('sync_memory',
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('stream', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('mapping_version', sa.String(length=100), nullable=False),
    sa.Column('hashes', sa.LargeBinary(), nullable=False),
    sa.Column('feed_cursor', sa.Text(), nullable=False),
    sa.Column('feed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('complete_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('connection_id', 'stream', name=op.f('pk_sync_memory'))
    )
    op.create_index(op.f('ix_sync_memory_tenant_id'), 'sync_memory', ['tenant_id'], unique=False)
    op.create_table('sync_run',
    sa.Column('id', sa.String(length=200), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('stream', sa.String(length=120), nullable=False),
    sa.Column('mode', sa.String(length=20), nullable=False),
    sa.Column('subject', sa.String(length=200), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('cause', sa.String(length=40), nullable=False),
    sa.Column('requested_by', sa.String(length=100), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=True),
    sa.Column('counts', sa.Text(), nullable=False),
    sa.Column('complete', sa.Boolean(), nullable=False),
    sa.Column('incomplete_reason', sa.Text(), nullable=False),
    sa.Column('error_code', sa.String(length=100), nullable=False),
    sa.Column('error_text', sa.Text(), nullable=False),
    sa.Column('remedy', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sync_run'))
    )
    op.create_index('ix_sync_run_connection_id_created_at', 'sync_run', ['connection_id', 'created_at'], unique=False)
    op.create_index('ix_sync_run_tenant_id_id', 'sync_run', ['tenant_id', 'id'], unique=False)
    op.create_table('sync_scope',
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('stream', sa.String(length=40), nullable=False),
    sa.Column('scope', sa.String(length=200), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('complete', sa.Boolean(), nullable=False),
    sa.Column('complete_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('items', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('connection_id', 'stream', 'scope', name=op.f('pk_sync_scope'))
    )
    op.create_index(op.f('ix_sync_scope_tenant_id'), 'sync_scope', ['tenant_id'], unique=False)
    op.create_table('tenant',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('slug', sa.String(length=60), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('billing_zone', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("status IN ('active', 'suspended')", name=op.f('ck_tenant_status')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tenant')),
    sa.UniqueConstraint('slug', name=op.f('uq_tenant_slug')),
    info={'tenant_column': 'id'}
    )
    op.create_table('usage_line',
    sa.Column('resource_id', sa.Text(), nullable=False),
    sa.Column('starts_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('cost', sa.BigInteger(), nullable=True),
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.Text(), nullable=False),
    sa.Column('month', sa.String(length=7), nullable=False),
    sa.Column('customer_vendor_id', sa.Text(), nullable=False),
    sa.Column('subscription_vendor_id', sa.Text(), nullable=False),
    sa.Column('sku', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('quantity', sa.Text(), nullable=True),
    sa.Column('unit', sa.Text(), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('estimated', sa.Boolean(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_usage_line'))
    )
    op.create_index('ix_usage_line_connection_id_month', 'usage_line', ['connection_id', 'month'], unique=False)
    op.create_index('ix_usage_line_customer', 'usage_line', ['connection_id', 'customer_vendor_id'], unique=False)
    op.create_index('ix_usage_line_subscription', 'usage_line', ['connection_id', 'subscription_vendor_id'], unique=False)
    op.create_index('ix_usage_line_tenant_id_month', 'usage_line', ['tenant_id', 'month', 'id'], unique=False)
    op.create_index('uq_usage_line_connection_id_vendor_id', 'usage_line', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('usage_line_fact',
    sa.Column('object_id', sa.String(length=40), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=False),
    sa.Column('change', sa.String(length=20), nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('object_id', 'known_at', name=op.f('pk_usage_line_fact'))
    )
    op.create_table('vendor_intent',
    sa.Column('reference', sa.String(length=200), nullable=False),
    sa.Column('run_id', sa.String(length=200), nullable=True),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('action', sa.String(length=80), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False),
    sa.Column('request', sa.Text(), nullable=False),
    sa.Column('idempotency', sa.String(length=8), nullable=False),
    sa.Column('settle_seconds', sa.Integer(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('vendor_reference', sa.String(length=200), nullable=True),
    sa.Column('answer', sa.Text(), nullable=True),
    sa.Column('error_code', sa.String(length=120), nullable=True),
    sa.Column('error_text', sa.Text(), nullable=True),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.PrimaryKeyConstraint('reference', name=op.f('pk_vendor_intent')),
    info={'operational': True}
    )
    op.create_index('ix_vendor_intent_run', 'vendor_intent', ['run_id'], unique=False)
    op.create_index('ix_vendor_intent_state', 'vendor_intent', ['state', 'sent_at'], unique=False)
    op.create_index(op.f('ix_vendor_intent_tenant_id'), 'vendor_intent', ['tenant_id'], unique=False)
    op.create_table('vendor_order',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=200), nullable=False),
    sa.Column('customer_vendor_id', sa.String(length=200), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('vendor_status', sa.String(length=100), nullable=False),
    sa.Column('reference', sa.String(length=200), nullable=False),
    sa.Column('ordered_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('lines', sa.Text(), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('search_text', sa.Text(), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_vendor_order'))
    )
    op.create_index('ix_vendor_order_connection_id_customer_vendor_id', 'vendor_order', ['connection_id', 'customer_vendor_id'], unique=False)
    op.create_index('ix_vendor_order_tenant_id_connection_id_day_id', 'vendor_order', ['tenant_id', 'connection_id', sa.literal_column('coalesce(ordered_at, known_at)'), 'id'], unique=False)
    op.create_index('ix_vendor_order_tenant_id_day_id', 'vendor_order', ['tenant_id', sa.literal_column('coalesce(ordered_at, known_at)'), 'id'], unique=False)
    op.create_index('ix_vendor_order_tenant_id_long', 'vendor_order', ['tenant_id'], unique=False, sqlite_where=sa.text('length(search_text) > 500'), postgresql_where=sa.text('length(search_text) > 500'))
    op.create_index('ix_vendor_order_tenant_id_search_text', 'vendor_order', ['tenant_id', 'search_text', 'id'], unique=False)
    op.create_index('ix_vendor_order_tenant_id_status_id', 'vendor_order', ['tenant_id', 'status', 'id'], unique=False)
    op.create_index('ix_vendor_order_tenant_id_vendor_id_id', 'vendor_order', ['tenant_id', 'vendor_id', 'id'], unique=False)
    op.create_index('uq_vendor_order_connection_id_vendor_id', 'vendor_order', ['connection_id', 'vendor_id'], unique=True)
    op.create_table('worker_lease',
    sa.Column('executor_id', sa.String(length=200), nullable=False),
    sa.Column('host', sa.String(length=120), nullable=False),
    sa.Column('pid', sa.Integer(), nullable=False),
    sa.Column('version', sa.String(length=40), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('heartbeat_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('executor_id', name=op.f('pk_worker_lease'))
    )
    op.create_table('customer_account',
    sa.Column('id', sa.String(length=40), nullable=False),
    sa.Column('tenant_id', sa.String(length=40), nullable=False),
    sa.Column('connection_id', sa.String(length=40), nullable=False),
    sa.Column('vendor_id', sa.String(length=200), nullable=False),
    sa.Column('customer_id', sa.String(length=40), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('domain', sa.String(length=255), nullable=False),
    sa.Column('domains', sa.Text(), nullable=False),
    sa.Column('default_domain', sa.String(length=255), nullable=False),
    sa.Column('tax_id', sa.String(length=100), nullable=False),
    sa.Column('email', sa.String(length=320), nullable=False),
    sa.Column('phone', sa.String(length=100), nullable=False),
    sa.Column('country', sa.String(length=2), nullable=False),
    sa.Column('region', sa.String(length=200), nullable=False),
    sa.Column('city', sa.String(length=200), nullable=False),
    sa.Column('postal_code', sa.String(length=40), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('language', sa.String(length=35), nullable=False),
    sa.Column('currency', sa.String(length=3), nullable=False),
    sa.Column('status', sa.String(length=20), nullable=False),
    sa.Column('vendor_status', sa.String(length=100), nullable=False),
    sa.Column('vendor_created_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('vendor_version', sa.String(length=200), nullable=False),
    sa.Column('external_ids', sa.Text(), nullable=False),
    sa.Column('attributes', sa.Text(), nullable=False),
    sa.Column('row_hash', sa.BigInteger(), nullable=False),
    sa.Column('known_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('missing_since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('missing_runs', sa.Integer(), nullable=False),
    sa.Column('gone_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['customer_id'], ['customer.id'], name=op.f('fk_customer_account_customer_id_customer'), initially='DEFERRED', deferrable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customer_account'))
    )
    op.create_index('ix_customer_account_customer_id', 'customer_account', ['customer_id'], unique=False)
    op.create_index('ix_customer_account_live_name', 'customer_account', ['tenant_id', 'name', 'id'], unique=False, sqlite_where=sa.text('gone_at IS NULL'), postgresql_where=sa.text('gone_at IS NULL'))
    op.create_index('ix_customer_account_missing', 'customer_account', ['connection_id'], unique=False, sqlite_where=sa.text('missing_since IS NOT NULL'), postgresql_where=sa.text('missing_since IS NOT NULL'))
    op.create_index('ix_customer_account_tenant_id_id', 'customer_account', ['tenant_id', 'id'], unique=False)
    op.create_index('uq_customer_account_connection_id_vendor_id', 'customer_account', ['connection_id', 'vendor_id'], unique=True)
    ddl.install(op.get_bind(), TENANT_TABLES, APPEND_ONLY_TABLES)
    search.install(op.get_bind(), SEARCHED_TABLES)


def downgrade() -> None:
    """Remove everything."""
    op.drop_table('customer_account')
    op.drop_table('worker_lease')
    op.drop_table('vendor_order')
    op.drop_table('vendor_intent')
    op.drop_table('usage_line_fact')
    op.drop_table('usage_line')
    op.drop_table('tenant')
    op.drop_table('sync_scope')
    op.drop_table('sync_run')
    op.drop_table('sync_memory')
    op.drop_table('sync_checkpoint')
    op.drop_table('sync_ahead')
    op.drop_table('subscription_sku')
    op.drop_table('subscription_note')
    op.drop_table('subscription_fact')
    op.drop_table('subscription')
    op.drop_table('schedule_version')
    op.drop_table('schedule')
    op.drop_table('recon_todo')
    op.drop_table('recon_run')
    op.drop_table('recon_rule')
    op.drop_table('recon_plan_part')
    op.drop_table('recon_plan')
    op.drop_table('recon_operation')
    op.drop_table('recon_memory')
    op.drop_table('recon_issue_fact')
    op.drop_table('recon_issue')
    op.drop_table('recon_decision')
    op.drop_table('recon_coverage')
    op.drop_table('recon_combo')
    op.drop_table('rate_window')
    op.drop_table('quota_bucket')
    op.drop_table('psa_product')
    op.drop_table('psa_line_fact')
    op.drop_table('psa_line')
    op.drop_table('psa_company')
    op.drop_table('psa_agreement')
    op.drop_table('product_map')
    op.drop_table('price_book')
    op.drop_table('preference')
    op.drop_table('offer_fact')
    op.drop_table('offer')
    op.drop_table('notification_setting')
    op.drop_table('notification_mail')
    op.drop_table('notification_delivery')
    op.drop_table('mapping_fact')
    op.drop_table('mapping_change')
    op.drop_table('mapping_batch')
    op.drop_table('list_view')
    op.drop_table('line_link')
    op.drop_table('job_run')
    op.drop_table('job_reread')
    op.drop_table('hub_state')
    op.drop_table('gap_ledger')
    op.drop_table('erasure_permit')
    op.drop_table('customer_work_part')
    op.drop_table('customer_work')
    op.drop_table('customer_upkeep_mark')
    op.drop_table('customer_notification')
    op.drop_table('customer_map')
    op.drop_table('customer_import')
    op.drop_table('customer_field')
    op.drop_table('customer_facet')
    op.drop_table('customer_detail')
    op.drop_table('customer_account_fact')
    op.drop_table('customer')
    op.drop_table('contact')
    op.drop_table('connection_secret')
    op.drop_table('connection_notification')
    op.drop_table('connection_file')
    op.drop_table('connection')
    op.drop_table('charge_reading')
    op.drop_table('charge_fact')
    op.drop_table('charge_checkpoint')
    op.drop_table('charge')
    op.drop_table('audit_payload')
    op.drop_table('audit_head')
    op.drop_table('audit_entry')
    op.drop_table('app_user')
    op.drop_table('app_totp')
    op.drop_table('app_sign_in_rules')
    op.drop_table('app_session')
    op.drop_table('app_recovery_code')
    op.drop_table('app_passkey')
    op.drop_table('app_membership')
    op.drop_table('app_identity')
    op.drop_table('api_remembered_answer')
    op.drop_table('api_credential')
    ddl.uninstall(op.get_bind())
    search.uninstall(op.get_bind(), SEARCHED_TABLES)
