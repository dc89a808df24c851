"""OWA5104-5106, OWA5109: settings that name modules to import, code to run, and places to open.

What a loader may import is judged by the namespace that the feature was made for: a transformer
module of sentence-transformers comes from sentence_transformers, a component of a diffusion
pipeline from diffusers or transformers. Dotted targets of Hydra are judged by the table of OWA5111.

Source: the loaders named in the explanation of each rule.
"""

from __future__ import annotations

from collections.abc import Iterator

from owaudit.model.code_facts import CodeReference, ConfigPath
from owaudit.model.evidence import Evidence
from owaudit.model.rule import EvidenceItem, Match, PythonRule, RuleMeta, Severity

_REFLECTION = "CWE-470: Use of Externally-Controlled Input to Select Classes or Code ('Unsafe Reflection')"

RUNS = RuleMeta(
    id="OWA5104",
    name="config-runs-code",
    title="A settings file makes a loader run code without asking",
    severity=Severity.CRITICAL,
    explanation="The key makes a version of its library import a program or native code that the file "
    "names, with no switch in between. Opening the folder with that library is enough.",
    remediation="Do not open the folder with the library. Remove the key, and update the library to a "
    "version that ignores it.",
    references=(
        "CVE-2026-4372: kernels named by a configuration (transformers before 5.3.0)",
        "CVE-2026-5843: model_file of a configuration (mlx-lm)",
        "CWE-94: Improper Control of Generation of Code",
    ),
    family="settings",
)
IMPORTS = RuleMeta(
    id="OWA5105",
    name="config-imports-module",
    title="A settings file names a module outside the library it is for",
    severity=Severity.HIGH,
    explanation="The loader imports the module and takes a class of it by name. The feature was made for "
    "classes of its own library; with another module the file chooses what is imported and called.",
    remediation="Do not load the folder. Compare the file with the publisher's original.",
    references=(_REFLECTION, "CWE-829: Inclusion of Functionality from Untrusted Control Sphere"),
    family="settings",
)
OUTSIDE = RuleMeta(
    id="OWA5106",
    name="config-path-outside",
    title="A settings file names a place outside its own folder",
    severity=Severity.HIGH,
    explanation="The path is absolute, leads upwards or is an address. A loader that follows it opens a file "
    "of the machine, or of somebody else, as if it were part of the model.",
    remediation="Do not load the folder. A model needs nothing outside its own folder.",
    references=("CWE-22: Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')",),
    family="settings",
)
UNREVIEWED = RuleMeta(
    id="OWA5109",
    name="config-names-code",
    title="A settings file names code that was not reviewed",
    severity=Severity.MEDIUM,
    explanation="The file names a function or a kernel of a known publisher that a loader imports or calls. "
    "It is in use that way, and it was not seen here.",
    remediation="Check that the named function or kernel is one that you want to run.",
    references=(_REFLECTION,),
    leaves_open=True,
    family="settings",
)

_NAMESPACES = {
    "parent_library": (
        "transformers", "diffusers", "torch.nn", "peft", "sentence_transformers", "timm", "accelerate",
        "open_clip", "trl",
    ),
    "megatron_core": ("megatron",),
    "module_type": ("sentence_transformers", "pylate"),
    "langchain": (
        "langchain", "langchain_core", "langchain_community", "langchain_openai", "langchain_anthropic",
        "langchain_huggingface", "langchain_text_splitters", "langgraph",
    ),
    "activation": ("torch.nn.modules.activation", "torch.nn.modules.linear.Identity", "torch.nn.Identity"),
    "component": (
        "diffusers", "transformers", "onnxruntime.training", "optimum", "peft", "flax", "k_diffusion",
        "sentence_transformers", "timm",
    ),
}  # fmt: skip
_PIPELINE_MODULES = {
    "allegro", "amused", "animatediff", "audioldm", "audioldm2", "aura_flow", "blip_diffusion", "bria",
    "chroma", "cogvideo", "cogview3", "cogview4", "consisid", "consistency_models", "controlnet",
    "controlnet_hunyuandit", "controlnet_sd3", "controlnet_xs", "cosmos", "dance_diffusion", "ddim", "ddpm",
    "deepfloyd_if", "deprecated", "dit", "easyanimate", "flux", "free_noise_utils", "hidream_image",
    "hunyuan_video", "hunyuandit", "i2vgen_xl", "kandinsky", "kandinsky2_2", "kandinsky3", "kolors",
    "latent_consistency_models", "latent_diffusion", "latte", "ledits_pp", "ltx", "lumina", "lumina2",
    "marigold", "mochi", "musicldm", "omnigen", "pag", "paint_by_example", "pia", "pixart_alpha",
    "qwenimage", "repaint", "sana", "score_sde_ve", "semantic_stable_diffusion", "shap_e", "skyreels_v2",
    "spectrogram_diffusion", "stable_audio", "stable_cascade", "stable_diffusion", "stable_diffusion_3",
    "stable_diffusion_adapter", "stable_diffusion_attend_and_excite", "stable_diffusion_diffedit",
    "stable_diffusion_gligen", "stable_diffusion_k_diffusion", "stable_diffusion_ldm3d",
    "stable_diffusion_panorama", "stable_diffusion_safe", "stable_diffusion_sag", "stable_diffusion_xl",
    "stable_video_diffusion", "stochastic_karras_ve", "t2i_adapter", "text_to_video_synthesis", "unclip",
    "unidiffuser", "versatile_diffusion", "visualcloze", "vq_diffusion", "wan", "wuerstchen",
}  # fmt: skip
"""Folders of diffusers.pipelines, which a component may name without the prefix."""

_WIDER = {"activation": ("torch",), "parent_library": ("torch", "transformers_modules"), "langchain": ()}


def _module(reference: CodeReference) -> str:
    return reference.imports[0].removeprefix(f"{reference.imports[0].partition('.')[0]}.")


def _below(module: str, names: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in names)


def _is_foreign(reference: CodeReference) -> bool:
    kind = reference.imports[0].partition(".")[0] if reference.imports else ""
    if kind not in _NAMESPACES or reference.mechanism in ("megatron_core", "pipeline_class"):
        return False
    module = _module(reference)
    if kind == "component" and module in _PIPELINE_MODULES:
        return False
    return not _below(module, _NAMESPACES[kind])


def _match(reference: CodeReference, words: str) -> Match:
    return Match(
        f"{reference.location.unit} {words} {reference.target}",
        reference,
        evidence=(EvidenceItem(label=reference.mechanism, value=f"{reference.key} = {reference.target}"),),
        key=f"{reference.key} {reference.target}",
    )


def check_runs(evidence: Evidence) -> Iterator[Match]:
    """Match the keys that need no switch."""
    for reference in evidence.of(CodeReference):
        if reference.mechanism in ("model_file", "kernel_internal"):
            yield _match(reference, "runs")
        elif reference.mechanism == "megatron_core" and not _below(
            _module(reference), _NAMESPACES["megatron_core"]
        ):
            yield _match(reference, "imports")


def check_imports(evidence: Evidence) -> Iterator[Match]:
    """Match modules outside the namespace of the feature."""
    for reference in evidence.of(CodeReference):
        if _is_foreign(reference) and not _below(_module(reference), _WIDER.get(reference.mechanism, ())):
            yield _match(reference, "imports")


def check_outside(evidence: Evidence) -> Iterator[Match]:
    """Match every path that leaves the folder, and programs named by such a path."""
    for path in evidence.of(ConfigPath):
        if path.problem:
            yield Match(
                f"{path.location.unit} names {path.path}, a path that is {_PROBLEMS[path.problem]}",
                path,
                evidence=(EvidenceItem(label=path.key, value=path.path),),
                key=f"{path.key} {path.path}",
            )


_PROBLEMS = {
    "absolute": "absolute",
    "parent": "outside the folder",
    "drive": "on a drive or share",
    "url": "an address",
    "home": "in a home folder",
    "nul": "cut by a NUL character",
}


def check_unreviewed(evidence: Evidence) -> Iterator[Match]:
    """Match functions of the wider library, and kernels of the publisher that libraries accept."""
    for reference in evidence.of(CodeReference):
        if reference.mechanism == "kernel" and reference.target.startswith("kernels-community/"):
            yield _match(reference, "fetches the kernel")
        elif _is_foreign(reference) and _below(_module(reference), _WIDER.get(reference.mechanism, ())):
            yield _match(reference, "names")


RULES = (
    PythonRule(RUNS, check_runs),
    PythonRule(IMPORTS, check_imports),
    PythonRule(OUTSIDE, check_outside),
    PythonRule(UNREVIEWED, check_unreviewed),
)
