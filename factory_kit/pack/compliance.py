"""What the compliance guide for data trade asks (数据交易安全合规指引, 2023), what of it the package has, and what people must bring.

The guide's articles are known by their headings only (secondary); demands are in our own words and are to be checked against its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from factory_kit.pack.build import Built

__all__ = ["Demand", "compliance"]

State = Literal["已具备", "部分具备", "须提供"]


@dataclass(frozen=True, slots=True)
class Demand:
    """One line: part and article of the guide, the demand, its state, the papers that are there, and what is still needed."""

    part: str
    demand: str
    state: State
    there: str
    needed: str


def compliance(built: Built) -> list[Demand]:
    """All lines in the order of the guide's parts."""
    product, plant = built.template.product, built.site.plant
    grading = product.grading
    own = "自行生产" in product.listing.origin
    graded = f"{grading.national}、{grading.level}（{grading.domain}），{grading.decided_by} 决定；见 product.json"
    answered = "" if grading.impacts else "分级问卷（grading.impacts）"
    approved = grading.national == "一般" or bool(grading.approval)
    return [
        Demand("二 主体", "主体资格与统一社会信用代码", "部分具备", f"{plant.name.zh}，{plant.credit_code}", "营业执照、经营范围、信用查询、近三年无重大违法声明、签署授权"),
        Demand("三 安全管理 6–7", "数据安全管理制度与责任人", "须提供", "", "制度文件、责任人任命"),
        Demand("三 安全管理 8", "数据分类分级", "部分具备" if answered else "已具备", graded, answered),
        Demand("三 安全管理 9–12", "全生命周期安全、技术保护、应急响应", "部分具备", "脱敏处理方案 papers/recipe.json；签名与哈希 MANIFEST", "等保或 DSMM 等证明、应急预案"),
        Demand("四 来源合法 13–16", "数据来源", "部分具备", f"{'、'.join(product.listing.origin)}；papers/provenance.json", "设备权属或租赁合同" if own else "取得数据的协议"),
        Demand("四 来源合法", "个人信息", "已具备", "标识与个人信息扫描：0 处；papers/residual-risk.json", ""),
        Demand("五 可交易性 19", "重要数据与核心数据", "已具备" if approved else "须提供", graded, "" if approved else "主管部门批准文号"),
        Demand("五 可交易性 20", "实质性加工和创新性劳动", "已具备", f"处理步骤 {len(product.recipe.steps)} 项；加工脚本 SHA-256 见 papers/provenance.json", ""),
        Demand("五 可交易性 21", "应用场景与使用条件", "已具备", f"{product.listing.scene}：{product.listing.purpose}；odrl-offer.json", ""),
        Demand("五 可交易性 22", "数据出境", "须提供", "", "是否出境的声明；出境须另行评估"),
        Demand("五 可交易性 23", "交易协议", "须提供", "", "数据交易协议文本"),
        Demand("挂牌材料", "样例与自检报告", "已具备", "sample/sample.csv；papers/quality.json；说明书“质量说明”", ""),
        Demand("挂牌材料", "合规评估文件、质量评估证书、法律承诺书、来源证明、承诺函", "须提供", "", "由律师事务所、评估机构与企业出具"),
    ]  # fmt: skip
