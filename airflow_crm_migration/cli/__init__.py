"""``airflow crm-migration …``: what people do outside a run."""

from __future__ import annotations

import argparse

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

from airflow_crm_migration.cli.command import command

_ENGAGEMENT = Arg(
    ("--engagement",), required=True, metavar="FILE", help="the engagement's YAML file"
)
_GATE = Arg(
    ("--gate",),
    required=True,
    choices=("scope", "mapping", "duplicates", "rehearsal", "cutover", "rollback"),
    help="which decision",
)
_ENVIRONMENT = Arg(
    ("--environment",),
    choices=("sandbox", "production"),
    help="which destination, for a gate that is signed per destination",
)
_WRITTEN_TO = Arg(
    ("--environment",),
    required=True,
    choices=("sandbox", "production"),
    help="which destination",
)
_FORCE = Arg(("--force",), action="store_true", help="also from a load that still beats")
_TENANT = Arg(
    ("--tenant",),
    required=True,
    metavar="ID",
    help="the workspace, company or org that was written to; status shows it",
)
_SIGNER = Arg(("--signer",), required=True, metavar='"NAME <MAIL>"', help="whose decision it is")
_EVIDENCE = Arg(
    ("--evidence",), metavar="FILE", help="the signed document or mail, kept with the record"
)
_REASON = Arg(("--reason",), required=True, help="why the sign-off no longer holds")
_FOLDER = Arg(
    ("--folder",), default="csv-templates", help="where the files go (default: %(default)s)"
)
_YES = Arg(("--yes",), action="store_true", help="do not ask")
_EMULATOR = Arg(
    ("arguments",),
    nargs=argparse.REMAINDER,
    metavar="PLATFORM [OPTION …]",
    help="the platform and its options; PLATFORM --help lists them",
)


def get_commands() -> list[GroupCommand]:
    """
    Return the commands; the modules behind them are imported when one is called.

    :return: one group
    """
    return [
        GroupCommand(
            name="crm-migration",
            help="Set up, sign off and rehearse CRM migrations",
            subcommands=(
                ActionCommand(
                    name="setup",
                    help="Make the pools that an engagement needs and note them in its staging",
                    func=command("airflow_crm_migration.cli.setup.run"),
                    args=(_ENGAGEMENT,),
                ),
                ActionCommand(
                    name="status",
                    help="Show which gates are signed, by whom and for what",
                    func=command("airflow_crm_migration.cli.status.run"),
                    args=(_ENGAGEMENT,),
                ),
                ActionCommand(
                    name="sign",
                    help="Record a sign-off of what is in staging now",
                    func=command("airflow_crm_migration.cli.sign.run"),
                    args=(_ENGAGEMENT, _GATE, _ENVIRONMENT, _SIGNER, _EVIDENCE, _YES),
                ),
                ActionCommand(
                    name="revoke",
                    help="Record that a sign-off no longer holds",
                    func=command("airflow_crm_migration.cli.revoke.run"),
                    args=(_ENGAGEMENT, _GATE, _ENVIRONMENT, _SIGNER, _REASON, _YES),
                ),
                ActionCommand(
                    name="release",
                    help="Take the lease of an environment from a load that died or hangs",
                    func=command("airflow_crm_migration.cli.release.run"),
                    args=(_ENGAGEMENT, _WRITTEN_TO, _FORCE, _YES),
                ),
                ActionCommand(
                    name="reset",
                    help="Put a tenant's ledger aside, for a rebuilt or another workspace",
                    func=command("airflow_crm_migration.cli.reset.run"),
                    args=(_ENGAGEMENT, _WRITTEN_TO, _TENANT, _YES),
                ),
                ActionCommand(
                    name="csv-templates",
                    help="Write the CSV headers of objects that come as files",
                    func=command("airflow_crm_migration.cli.csv_templates.run"),
                    args=(_ENGAGEMENT, _FOLDER),
                ),
                ActionCommand(
                    name="emulator",
                    help="Serve a stand-in CRM on this machine",
                    func=command("airflow_crm_migration.cli.emulator.run"),
                    args=(_EMULATOR,),
                ),
            ),
        )
    ]
